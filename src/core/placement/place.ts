import type { NodeId } from '../../../schema/ids.ts';
import { MAX_HOLDS, REASON_WORK } from '../../../schema/limits.ts';
import type { JobRecord, NodeRecord } from '../../../schema/records.ts';
import { amountsOf, fits, type Amounts } from '../../../schema/amounts.ts';
import type { Attempts } from '../book.ts';
import { isLive } from '../execution.ts';
import { startExecution } from '../dispatch.ts';
import { dropSilent, leaseEnd } from '../sessions.ts';
import { classKey } from '../wait-queue.ts';
import type { Turn } from '../turn.ts';
import type { Session } from '../world.ts';
import { mayWork, whyNot, type Candidate } from './filters.ts';
import { rankOf, type Rankable } from './rank.ts';
import { nodesAround, type NodeReason } from './reasons.ts';
import { endHolds, isKeptFree } from './kept-free.ts';

/** How a look at the partitions of a job ended. */
export type Placement =
  /** Nothing is left to place now. */
  | 'placed'
  /** No node takes the rest now. */
  | 'blocked'
  /** There is more to place, in the next turn. */
  | 'more';

/** A node that would take the job's executions for as long as they fit. */
export interface Taker extends Rankable {
  readonly node: NodeRecord;
  readonly session: Session;
}

/**
 * Starts what can be started of the job. Partitions that wait for their next attempt are left to their timer.
 * @param among  the only nodes that may have become able to take it; by default all
 */
export function placePartitions(turn: Turn, job: JobRecord, among?: Iterable<NodeId>): Placement {
  const book = turn.world.book(job);
  const held = heldByOldCopies(turn, job);
  let takers: Taker[] | null = null;
  let retryAt = Infinity;
  const mayGoOn = turn.work.shareOf(job.id, among !== undefined);
  for (const partition of book.unplaced()) {
    if (held.has(partition)) continue;
    const attempts = book.attempts(partition);
    if (attempts.retryAt > turn.now) {
      retryAt = Math.min(retryAt, attempts.retryAt);
      continue;
    }
    if (!mayGoOn()) return 'more';
    takers ??= takersOf(turn, job, among ?? turn.world.sessions.keys());
    const choice = choose(turn, job, { takers, attempts });
    if (choice === null) return 'blocked';
    const { node, session } = choice;
    startExecution(turn, job, { partition, node, session, evalId: turn.evaluationOf(job.id) });
    // What was kept for it is won; a partition that must wait on gets its own.
    endHolds(turn, job.id);
  }
  if (retryAt < Infinity) turn.world.timers.set('retry', job.id, retryAt);
  return 'placed';
}

/** A service is updated one partition at a time: where an old copy still works, no new one is started. */
function heldByOldCopies(turn: Turn, job: JobRecord): ReadonlySet<number> {
  if (job.type !== 'service' || job.version === 1) return NONE;
  const old = turn.world.executionsOf(job.id).filter((e) => e.jobVersion < job.version && isLive(e));
  return new Set(old.map((e) => e.partition));
}

const NONE: ReadonlySet<number> = new Set();

/** Of these nodes those that may work, suit the job and have not declined it, whatever runs there. */
export function takersOf(turn: Turn, job: JobRecord, among: Iterable<NodeId>): Taker[] {
  const { world } = turn;
  const barred = declinedBy(turn, job);
  const answers = world.suitability.of(classKey(job.needs));
  const takers: Taker[] = [];
  for (const nodeId of among) {
    turn.work.spend(1);
    const [node, session] = [world.nodes.get(nodeId), world.sessions.get(nodeId)];
    if (node === undefined || session === undefined || barred.has(nodeId)) continue;
    const { all, favoured } = world.suitability.ask(answers, job.needs, node);
    if (!all || !mayWork(candidateOf(turn, node), job.needs)) continue;
    const isLastChoice = world.lastChoice.has(nodeId);
    takers.push({ nodeId, node, session, room: world.room(nodeId), favoured, isLastChoice });
  }
  return takers;
}

/**
 * The node that can take one execution now and ranks best; then the first by id. A node whose heartbeats have stopped is
 * found out when it would be chosen: its session is ended, and it is left out of `takers`.
 */
function choose(
  turn: Turn,
  job: JobRecord,
  { takers, attempts }: { takers: Taker[]; attempts: Attempts },
): Taker | null {
  const need = amountsOf(job.needs.resources);
  for (;;) {
    const at = bestOf(turn, takers, { job, need, tried: attempts.triedNodes });
    const best = takers[at];
    if (best === undefined) return null;
    if (!isSilent(turn, best.nodeId)) return best;
    dropSilent(turn, best.session);
    takers.splice(at, 1);
  }
}

/** Its index; -1 when no node can take it now. */
function bestOf(
  turn: Turn,
  takers: readonly Taker[],
  { job, need, tried }: { job: JobRecord; need: Amounts; tried: ReadonlySet<NodeId> },
): number {
  turn.work.spend(takers.length);
  let best = -1;
  let bestRank = -1;
  let bestId = '';
  for (let i = 0; i < takers.length; i++) {
    const taker = takers[i];
    if (taker === undefined || !fits(need, taker.room.free) || taker.room.openCount >= MAX_HOLDS) continue;
    const rank = rankOf(taker, need, tried);
    if (rank < bestRank || (rank === bestRank && taker.nodeId > bestId)) continue;
    if (isKeptFree(turn, job, taker.nodeId)) continue;
    [best, bestRank, bestId] = [i, rank, taker.nodeId];
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
  for (const node of nodesAround(turn)) {
    turn.work.spend(REASON_WORK);
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
  const { free, openCount } = turn.world.room(node.id);
  return { node, connected: turn.world.sessions.has(node.id), free, openCount };
}
