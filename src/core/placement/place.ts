import type { NodeId } from '../../../schema/ids.ts';
import type { JobRecord, NodeRecord } from '../../../schema/records.ts';
import type { Attempts } from '../book.ts';
import { isLive } from '../execution.ts';
import { startExecution } from '../dispatch.ts';
import { dropSilent, leaseEnd } from '../events/disconnect.ts';
import type { Turn } from '../turn.ts';
import type { Session } from '../world.ts';
import { whyNot, type Candidate } from './filters.ts';
import { rankOf } from './rank.ts';
import type { NodeReason } from './reasons.ts';
import { isKeptFree } from './reservation.ts';

/** How a look at the partitions of a job ended. */
export type Placement =
  /** Nothing is left to place now. */
  | 'placed'
  /** No node takes the rest now. */
  | 'blocked'
  /** There is more to place, in the next turn. */
  | 'more';

/** Starts what can be started of the job. Partitions that wait for their next attempt are left to their timer. */
export function placePartitions(turn: Turn, job: JobRecord): Placement {
  const book = turn.world.book(job);
  const barred = declinedBy(turn, job);
  const held = heldByOldCopies(turn, job);
  let retryAt = Infinity;
  for (const partition of book.unplaced()) {
    if (held.has(partition)) continue;
    const attempts = book.attempts(partition);
    if (attempts.retryAt > turn.now) {
      retryAt = Math.min(retryAt, attempts.retryAt);
      continue;
    }
    if (!turn.mayStart(job.id)) return 'more';
    const choice = chooseNode(turn, job, { attempts, barred });
    if (choice === null) return 'blocked';
    startExecution(turn, job, { partition, ...choice, evalId: turn.evaluationOf(job.id) });
  }
  if (retryAt < Infinity) turn.world.timers.set('retry', job.id, retryAt);
  return 'placed';
}

/** A service is updated one partition at a time: where an old copy still works, no new one is started. */
function heldByOldCopies(turn: Turn, job: JobRecord): ReadonlySet<number> {
  if (job.type !== 'service' || job.version === 1) return new Set();
  const old = turn.world.executionsOf(job.id).filter((e) => e.jobVersion < job.version && isLive(e));
  return new Set(old.map((e) => e.partition));
}

/** The node that can take one execution now and ranks best; then the first by id. */
function chooseNode(
  turn: Turn,
  job: JobRecord,
  { attempts, barred }: { attempts: Attempts; barred: ReadonlyMap<NodeId, string> },
): { node: NodeRecord; session: Session } | null {
  let best: { node: NodeRecord; session: Session; rank: number } | null = null;
  for (const session of turn.world.sessions.values()) {
    const node = turn.world.nodes.get(session.nodeId);
    if (node === undefined || barred.has(node.id) || isKeptFree(turn, job, node.id)) continue;
    if (isSilent(turn, node.id)) {
      dropSilent(turn, session);
      continue;
    }
    const candidate = candidateOf(turn, node);
    if (whyNot(candidate, job.needs) !== null) continue;
    const rank = rankOf(candidate, job.needs, {
      isLastChoice: turn.world.lastChoice.has(node.id),
      wasTried: attempts.triedNodes.has(node.id),
    });
    if (best === null || rank > best.rank || (rank === best.rank && node.id < best.node.id)) {
      best = { node, session, rank };
    }
  }
  return best;
}

/** Ends sessions of nodes that are not heard any more: those that live after all dial again, and are counted on again. */
export function dropSilentSessions(turn: Turn): void {
  for (const session of turn.world.sessions.values()) if (isSilent(turn, session.nodeId)) dropSilent(turn, session);
}

/** True when the session's heartbeats have stopped: the node is taken for gone, whatever its socket says. */
export function isSilent(turn: Turn, nodeId: NodeId): boolean {
  return turn.world.sessions.has(nodeId) && leaseEnd(turn, nodeId) <= turn.now;
}

/** Why each node does not take an execution of the job now, for people to read. */
export function whyNodesDoNot(turn: Turn, job: JobRecord): NodeReason[] {
  const declined = declinedBy(turn, job);
  const reasons: NodeReason[] = [];
  for (const node of turn.world.nodes.values()) {
    const keptFree = isKeptFree(turn, job, node.id) ? 'is kept free for a job that has waited longer' : null;
    const reason = whyNot(candidateOf(turn, node), job.needs) ?? declined.get(node.id) ?? keptFree;
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

export function candidateOf(turn: Turn, node: NodeRecord): Candidate {
  return { node, connected: turn.world.sessions.has(node.id), free: turn.world.free(node) };
}
