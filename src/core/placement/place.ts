import type { EvaluationId, NodeId } from '../../../schema/ids.ts';
import type { JobRecord, NodeRecord } from '../../../schema/records.ts';
import type { Attempts } from '../book.ts';
import { startExecution } from '../dispatch.ts';
import { dropSilent, leaseEnd } from '../events/disconnect.ts';
import type { Turn } from '../turn.ts';
import type { Session } from '../world.ts';
import { isFavoured } from './constraints.ts';
import { whyNot, type Candidate } from './filters.ts';
import type { NodeReason } from './reasons.ts';

/** Executions of one job that one look at it may start; the rest goes on in the next turn. */
export const MAX_STARTS_PER_LOOK = 200;

/** How a look at the partitions of a job ended. */
export type Placement =
  /** Nothing is left to place now. */
  | 'placed'
  /** No node takes the rest now. */
  | 'blocked'
  /** There is more to place, in the next turn. */
  | 'more';

/** Starts what can be started of the job. Partitions that wait for their next attempt are left to their timer. */
export function placeJob(turn: Turn, job: JobRecord, evalId: EvaluationId): Placement {
  const book = turn.world.book(job);
  const barred = declinedBy(turn, job);
  let starts = 0;
  let retryAt = Infinity;
  for (const partition of book.unplaced()) {
    const attempts = book.attempts(partition);
    if (attempts.retryAt > turn.now) {
      retryAt = Math.min(retryAt, attempts.retryAt);
      continue;
    }
    if (starts === MAX_STARTS_PER_LOOK) return 'more';
    const choice = chooseNode(turn, job, { attempts, barred });
    if (choice === null) return 'blocked';
    startExecution(turn, job, { partition, ...choice, evalId });
    starts += 1;
  }
  if (retryAt < Infinity) turn.world.timers.set('retry', job.id, retryAt);
  return 'placed';
}

/**
 * The best node that can take one execution now: one that answers before one that missed a deadline, an untried one
 * before one where this partition failed, a favoured one before the rest; then by id.
 */
function chooseNode(
  turn: Turn,
  job: JobRecord,
  { attempts, barred }: { attempts: Attempts; barred: ReadonlyMap<NodeId, string> },
): { node: NodeRecord; session: Session } | null {
  let best: { node: NodeRecord; session: Session; rank: number } | null = null;
  for (const session of turn.world.sessions.values()) {
    const node = turn.world.nodes.get(session.nodeId);
    if (node === undefined || barred.has(node.id)) continue;
    if (leaseEnd(turn, node.id) <= turn.now) {
      dropSilent(turn, session);
      continue;
    }
    if (whyNot(candidateOf(turn, node), job.needs) !== null) continue;
    const rank =
      (turn.world.lastChoice.has(node.id) ? 0 : 4) +
      (attempts.triedNodes.has(node.id) ? 0 : 2) +
      (isFavoured(node.info.labels, job.needs.constraints) ? 1 : 0);
    if (best === null || rank > best.rank || (rank === best.rank && node.id < best.node.id)) {
      best = { node, session, rank };
    }
  }
  return best;
}

/** Why each node does not take an execution of the job now, for people to read. */
export function whyNodesDoNot(turn: Turn, job: JobRecord): NodeReason[] {
  const declined = declinedBy(turn, job);
  const reasons: NodeReason[] = [];
  for (const node of turn.world.nodes.values()) {
    const reason = whyNot(candidateOf(turn, node), job.needs) ?? declined.get(node.id) ?? null;
    if (reason !== null) reasons.push({ nodeId: node.id, reason });
  }
  return reasons;
}

/** Nodes that declined this version and have not changed or reconnected since, with the reason they gave. */
export function declinedBy(turn: Turn, job: JobRecord): ReadonlyMap<NodeId, string> {
  const declined = new Map<NodeId, string>();
  for (const execution of turn.world.book(job).declined()) {
    const node = turn.world.nodes.get(execution.nodeId);
    if (node !== undefined && execution.modifiedAt > node.modifiedAt) {
      declined.set(execution.nodeId, execution.computeMessage);
    }
  }
  return declined;
}

function candidateOf(turn: Turn, node: NodeRecord): Candidate {
  return { node, connected: turn.world.sessions.has(node.id), free: turn.world.free(node) };
}
