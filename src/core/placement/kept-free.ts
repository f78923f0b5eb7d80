import type { JobId, NodeId } from '../../../schema/ids.ts';
import { RESERVE_AFTER_MS } from '../../../schema/limits.ts';
import type { Hold, JobRecord } from '../../../schema/records.ts';
import { isKeptUp } from '../../../schema/states.ts';
import { add, amountsOf, fits } from '../../../schema/amounts.ts';
import { isLive } from '../execution.ts';
import { isBefore, type Waiting } from '../wait-queue.ts';
import type { Turn } from '../turn.ts';

/** True when the node's room is kept for a job that comes before this one, and the two do not fit there together. */
export function isKeptFree(turn: Turn, job: JobRecord, nodeId: NodeId): boolean {
  const { hold } = turn.world.reservations;
  if (hold === null || hold.nodeId !== nodeId) return false;
  const owner = ownerOf(turn, hold);
  if (owner === null || owner.id === job.id || !isBefore(waitingOf(owner), waitingOf(job))) return false;
  return !fitsBeside(turn, { hold, nodeId, owner }, job);
}

/** True when the job comes before the one for which room is kept: then that room is there for it. */
export function isBeforeHold(turn: Turn, job: JobRecord): boolean {
  const { hold } = turn.world.reservations;
  const owner = hold === null ? null : ownerOf(turn, hold);
  return owner !== null && owner.id !== job.id && isBefore(waitingOf(job), waitingOf(owner));
}

/** The job for which room is kept, while it waits. */
function ownerOf(turn: Turn, hold: Hold): JobRecord | null {
  const owner = turn.world.job(hold.jobId);
  return owner?.version === hold.jobVersion && turn.world.queue.has(owner.id) ? owner : null;
}

/** True when the job would leave room for the owner once all that was started before the hold has ended. */
function fitsBeside(
  turn: Turn,
  { hold, nodeId, owner }: { hold: Hold; nodeId: NodeId; owner: JobRecord },
  job: JobRecord,
): boolean {
  const room = turn.world.room(nodeId);
  turn.work.spend(room.openCount);
  let taken = add(amountsOf(owner.needs.resources), amountsOf(job.needs.resources));
  for (const execution of turn.world.openOn(nodeId)) {
    const its = turn.world.job(execution.jobId);
    const isEndless = its !== null && isKeptUp(its.type) && isLive(execution);
    if (isEndless || execution.createdAt >= hold.since * 1000) taken = add(taken, amountsOf(execution.resources));
  }
  return fits(taken, room.capacity);
}

/** Puts the job in line, or gives it its place anew. @param barred  nodes that must not be used for it */
export function enterQueue(turn: Turn, job: JobRecord, barred: Iterable<NodeId>): void {
  leaveLine(turn, job.id);
  const waiting = waitingOf(job);
  if (turn.world.queue.add(waiting, job.needs, barred)) armRipening(turn, waiting);
}

/** Takes the job out of the line for another look at it; what is kept for it stays. */
export function leaveLine(turn: Turn, jobId: JobId): void {
  const { queue } = turn.world;
  if (!queue.has(jobId)) return;
  const next = queue.remove(jobId);
  if (next !== undefined) armRipening(turn, next);
  // Nobody waits for the end of a rest any more.
  else if (queue.size === 0) turn.markReservationsChanged();
}

/** Takes the job out of the queue: it waits no more. Room that was kept for it is free for all again. */
export function leaveQueue(turn: Turn, jobId: JobId): void {
  leaveLine(turn, jobId);
  turn.world.timers.clear('reserve', jobId);
  endHolds(turn, jobId);
}

/** A hold for the job was won, or is not needed any more: none is running, and none is counted as lapsed. */
export function endHolds(turn: Turn, jobId: JobId): void {
  const { hold, lapses } = turn.world.reservations;
  if (lapses.some((lapse) => lapse.jobId === jobId)) {
    turn.world.reservations = { ...turn.world.reservations, lapses: lapses.filter((l) => l.jobId !== jobId) };
  }
  if (hold?.jobId === jobId) dropHold(turn, hold);
}

export function dropHold(turn: Turn, hold: Hold): void {
  turn.world.reservations = { ...turn.world.reservations, hold: null };
  if (hold.nodeId !== null) turn.world.offered.add(hold.nodeId);
  turn.markReservationsChanged();
}

/** Whoever is first of those who need the same may get room kept free for it later. */
function armRipening(turn: Turn, { jobId, since }: Waiting): void {
  const ripeAt = since + RESERVE_AFTER_MS;
  if (ripeAt > turn.now) turn.world.timers.set('reserve', jobId, ripeAt);
  else turn.markReservationsChanged();
}

function waitingOf(job: JobRecord): Waiting {
  return { jobId: job.id, priority: job.priority, since: job.versionAt };
}
