import type { NodeId } from '../../../schema/ids.ts';
import type { JobRecord, NodeRecord } from '../../../schema/records.ts';
import type { Book } from '../book.ts';
import { startExecution } from '../dispatch.ts';
import { whyNever, whyNot } from '../placement/filters.ts';
import { candidateOf, declinedBy, dropSilentSessions, isSilent } from '../placement/place.ts';
import { nodesAround, type NodeReason } from '../placement/reasons.ts';
import type { Turn } from '../turn.ts';

/** What ops and daemon jobs share: one execution on each node that matches. */

/**
 * Starts an execution on every connected node that matches and wants one, and notes in the world how many must wait.
 * @param wants  whether the job still wants one there
 */
export function fanOut(turn: Turn, job: JobRecord, wants: (node: NodeRecord, book: Book) => boolean): void {
  const book = turn.world.book(job);
  const busy = new Set<NodeId>();
  let later = 0;
  let retryAt = Infinity;
  dropSilentSessions(turn);
  const mayGoOn = turn.work.shareOf(job.id);
  for (const node of matchingNodes(turn, job)) {
    if (book.liveExecution(node.id) !== null || !wants(node, book)) continue;
    const again = Math.max(turn.now, book.attempts(node.id).retryAt);
    if (again > turn.now || !mayGoOn()) {
      later += 1;
      retryAt = Math.min(retryAt, again);
    } else if (!tryStart(turn, job, node)) busy.add(node.id);
  }
  if (retryAt < Infinity) turn.world.timers.set('retry', job.id, retryAt);
  turn.world.fanOutWaiting.set(job.id, { busy, later });
}

/** Why each node that gets none does not match. */
export function whyUnmatched(turn: Turn, job: JobRecord): NodeReason[] {
  const declined = declinedBy(turn, job);
  const reasons: NodeReason[] = [];
  for (const node of nodesAround(turn)) {
    const reason = reasonNever(turn, job, { node, declined });
    if (reason !== null) reasons.push({ nodeId: node.id, reason });
  }
  return reasons;
}

/** What the last attempt said on each node where none has completed and none is live. */
export function whyFailed(turn: Turn, job: JobRecord): NodeReason[] {
  const book = turn.world.book(job);
  const reasons: NodeReason[] = [];
  for (const slot of book.slots()) {
    const { last } = book.attempts(slot);
    if (last === null || book.hasCompleted(slot) || book.liveExecution(slot) !== null) continue;
    reasons.push({ nodeId: last.nodeId, reason: last.computeMessage || last.desiredMessage });
  }
  return reasons;
}

/** By id, so that the same world is looked at in the same order whatever its history. */
function matchingNodes(turn: Turn, job: JobRecord): NodeRecord[] {
  const declined = declinedBy(turn, job);
  turn.work.spend(turn.world.nodes.size);
  return [...turn.world.nodes.values()]
    .filter((node) => reasonNever(turn, job, { node, declined }) === null)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function tryStart(turn: Turn, job: JobRecord, node: NodeRecord): boolean {
  const session = turn.world.sessions.get(node.id);
  if (session === undefined || whyNot(candidateOf(turn, node), job.needs) !== null) return false;
  startExecution(turn, job, { partition: 0, node, session, evalId: turn.evaluationOf(job.id) });
  return true;
}

function reasonNever(
  turn: Turn,
  job: JobRecord,
  { node, declined }: { node: NodeRecord; declined: ReadonlyMap<NodeId, string> },
): string | null {
  if (isSilent(turn, node.id)) return 'is not connected';
  return whyNever(candidateOf(turn, node), job.needs) ?? declined.get(node.id) ?? null;
}
