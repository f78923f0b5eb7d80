import { backoffMs } from '../../../schema/backoff.ts';
import type { EpochMs, JobId, NodeId } from '../../../schema/ids.ts';
import { FIRST_HOLD_MS, LONGEST_HOLD_MS, MAX_LAPSES, RESERVE_AFTER_MS } from '../../../schema/limits.ts';
import type { Hold, JobRecord, Lapse } from '../../../schema/records.ts';
import { amountsOf, fits, subtract } from '../../../schema/amounts.ts';
import { isBefore, type PlacementClass, type Waiting } from '../wait-queue.ts';
import type { Turn } from '../turn.ts';
import { dropHold } from './kept-free.ts';
import { isSilent, takersOf } from './place.ts';

/*
 * Small jobs that fit into every gap would keep a big one waiting for ever, so room is kept for one that has waited long:
 * its need, on one node. That room comes free is a bet. It is made only where it can be won: on a node that would take the
 * job if all that ends had ended. It ends by itself, after twice as long each time; then nobody gets a hold for as long as
 * the one that lapsed took, and the job's next one is on another node. So at most half of the time room is kept in vain,
 * while a job whose room comes free within L has it, alone in its wait, within 5 times max(L, FIRST_HOLD_MS).
 */

/** The timer of the end of a hold, and of the rest after it; other timers of this kind are of jobs that ripen. */
const HOLD_TIMER = 'hold';

/** Brings the hold in line with the queue and the nodes: ends it, moves it, or begins the next one. */
export function reserve(turn: Turn): void {
  const { world } = turn;
  world.reservedFor = world.roomsVersion;
  endDueHold(turn);
  moveHold(turn);
  const isDone = world.reservations.hold !== null || beginHold(turn);
  const { hold, restUntil } = world.reservations;
  if (!isDone) world.timers.set('reserve', HOLD_TIMER, turn.now);
  else if (hold !== null) world.timers.set('reserve', HOLD_TIMER, hold.until);
  else if (restUntil > turn.now && world.queue.size > 0) world.timers.set('reserve', HOLD_TIMER, restUntil);
  else world.timers.clear('reserve', HOLD_TIMER);
}

/** A hold whose time is over lapses; one whose job is not the one that it was made for is dropped. */
function endDueHold(turn: Turn): void {
  const { hold, lapses } = turn.world.reservations;
  if (hold === null) return;
  const { jobId, jobVersion, nodeId, until } = hold;
  if (turn.world.job(jobId)?.version !== jobVersion) return dropHold(turn, hold);
  if (until > turn.now) return;
  dropHold(turn, hold);
  const times = (lapseOf(turn, jobId, jobVersion)?.times ?? 0) + 1;
  const lapse: Lapse = { jobId, jobVersion, times, at: turn.now, nodeId };
  const others = lapses.filter((one) => one.jobId !== jobId);
  turn.world.reservations = {
    hold: null,
    restUntil: turn.now + holdMs(times - 1),
    lapses: [...others, lapse].slice(-MAX_LAPSES),
  };
}

/** A node that cannot take the job any more is left for one that can; the bet ends when it would have ended there. */
function moveHold(turn: Turn): void {
  const { hold } = turn.world.reservations;
  const job = hold === null ? null : turn.world.job(hold.jobId);
  if (hold === null || job === null) return;
  if (hold.nodeId !== null && couldTake(turn, job, [hold.nodeId]).length > 0) return;
  const nodeId = nodeFor(turn, job, hold.nodeId);
  if (nodeId === hold.nodeId) return;
  turn.world.reservations = { ...turn.world.reservations, hold: { ...hold, nodeId, since: turn.now } };
  if (hold.nodeId !== null) turn.world.offered.add(hold.nodeId);
}

/**
 * For the ripe job whose turn came longest ago and that some node could take.
 * @returns false when the turn has worked enough and more jobs are to be looked at
 */
function beginHold(turn: Turn): boolean {
  const { world, now } = turn;
  if (world.reservations.restUntil > now) return true;
  let isFirst = true;
  for (const { head, its } of ripe(turn)) {
    const job = world.job(head.jobId);
    if (job === null) continue;
    // One at least: other work must not keep all of them waiting for ever.
    if (turn.work.left === 0 && !isFirst) return false;
    isFirst = false;
    const lapse = lapseOf(turn, job.id, job.version);
    const nodeId = nodeFor(turn, job, lapse?.nodeId ?? null);
    if (nodeId === null) {
      its.hopelessAt = world.roomsVersion;
      continue;
    }
    const until = now + holdMs(lapse?.times ?? 0);
    const hold: Hold = { jobId: job.id, jobVersion: job.version, nodeId, since: now, until };
    world.reservations = { ...world.reservations, hold };
    return true;
  }
  return true;
}

interface Ripe {
  readonly head: Waiting;
  readonly its: PlacementClass;
  readonly turnAt: EpochMs;
}

/** The first of each placement class that has waited long, in the order in which their turn came. */
function ripe(turn: Turn): Ripe[] {
  const { world, now } = turn;
  const found: Ripe[] = [];
  for (const its of world.queue.classes()) {
    const head = its.line.head();
    if (head === undefined || head.since + RESERVE_AFTER_MS > now || its.hopelessAt === world.roomsVersion) continue;
    const lapse = lapseOf(turn, head.jobId, world.job(head.jobId)?.version ?? 0);
    found.push({ head, its, turnAt: lapse?.at ?? head.since + RESERVE_AFTER_MS });
  }
  return found.sort((a, b) => a.turnAt - b.turnAt || (isBefore(a.head, b.head) ? -1 : 1));
}

/** The emptiest of the nodes that could take the job; after one where it was in vain the next by id, round and round. */
function nodeFor(turn: Turn, job: JobRecord, after: NodeId | null): NodeId | null {
  const nodes = couldTake(turn, job, turn.world.sessions.keys());
  if (after === null) {
    const free = (nodeId: NodeId) => turn.world.room(nodeId).free.cpuMicros;
    nodes.sort((a, b) => free(b) - free(a) || (a < b ? -1 : 1));
    return nodes[0] ?? null;
  }
  nodes.sort();
  return nodes.find((nodeId) => nodeId > after) ?? nodes[0] ?? null;
}

/** Of these nodes those that would take the job if all that ends had ended there. */
function couldTake(turn: Turn, job: JobRecord, among: Iterable<NodeId>): NodeId[] {
  const need = amountsOf(job.needs.resources);
  return takersOf(turn, job, among)
    .filter(({ nodeId, room }) => fits(need, subtract(room.capacity, room.endless)) && !isSilent(turn, nodeId))
    .map(({ nodeId }) => nodeId);
}

function lapseOf(turn: Turn, jobId: JobId, version: number): Lapse | undefined {
  return turn.world.reservations.lapses.find((lapse) => lapse.jobId === jobId && lapse.jobVersion === version);
}

function holdMs(lapses: number): number {
  return backoffMs({ firstMs: FIRST_HOLD_MS, mostMs: LONGEST_HOLD_MS }, lapses);
}
