import type { JobId } from '../../schema/ids.ts';
import { REASONS_EVERY_MS } from '../../schema/limits.ts';
import type { JobRecord } from '../../schema/records.ts';
import { isTerminalJobState, runsOnEveryNode } from '../../schema/states.ts';
import { settleState } from './job-state.ts';
import { kinds } from './kinds/kinds.ts';
import { forgetLongGone } from './forget-nodes.ts';
import { reserve } from './placement/reservation.ts';
import { safely } from './safely.ts';
import { serveQueue } from './serve-queue.ts';
import type { Turn } from './turn.ts';
import type { PlacementClass } from './wait-queue.ts';

/** Waiting jobs of one class whose reason is written anew when nodes change; the others keep what they were told. */
const MAX_REASONS_REFRESHED = 100;
/** So few are told at once, however often nodes change; more of them now and then. */
const FEW_REASONS = 20;
/** What `World.reservedFor` says when reservations must be settled whatever the rooms. */
const UNSETTLED = -1;
/** When a look at a job failed, how long until the next one. */
const LOOK_AGAIN_MS = 30_000;

/** Looks at everything that this turn changed, until nothing is left to decide or the turn has worked enough. */
export function settle(turn: Turn): void {
  const { world } = turn;
  turn.work.keepHalf();
  let nodesChanged = false;
  for (;;) {
    if (turn.takeNodesChanged()) {
      nodesChanged = true;
      for (const jobId of world.fanOuts) turn.markDirty(jobId);
    }
    const newcomers = lookAtDirty(turn, isNewcomer);
    const reservationsChanged = turn.takeReservationsChanged() || world.reservedFor !== world.roomsVersion;
    if (world.offered.size === 0 && !reservationsChanged) break;
    // What belongs on every node comes before what may go anywhere.
    for (const [jobId, { busy }] of world.fanOutWaiting)
      if (haveCommon(busy, world.newlyOffered)) turn.markDirty(jobId);
    world.newlyOffered.clear();
    newcomers.push(...lookAtDirty(turn, isNewcomer));
    const isServed = serveQueue(turn);
    for (const jobId of newcomers) turn.markDirty(jobId);
    if (reservationsChanged) reserve(turn);
    if (!isServed) {
      lookAtDirty(turn);
      // What came up since is settled in the next turn.
      if (turn.takeReservationsChanged()) world.reservedFor = UNSETTLED;
      if (turn.takeNodesChanged()) nodesChanged = true;
      world.timers.set('settle', 'queue', turn.now);
      break;
    }
  }
  if (nodesChanged) world.queue.reasonsVersion += 1;
  refreshReasons(turn);
  forgetLongGone(turn);
  turn.forgetInactive();
}

function haveCommon<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  for (const one of small) if (large.has(one)) return true;
  return false;
}

/** @returns those that are to be looked at later */
function lookAtDirty(turn: Turn, isLater?: (turn: Turn, jobId: JobId) => boolean): JobId[] {
  const later: JobId[] = [];
  for (let jobId = turn.takeDirty(); jobId !== null; jobId = turn.takeDirty()) {
    if (isLater?.(turn, jobId) === true) later.push(jobId);
    else lookSafely(turn, jobId);
  }
  return later;
}

/** One that has just come: room that came free before goes to those who have waited for it. */
function isNewcomer(turn: Turn, jobId: JobId): boolean {
  const { offered, queue } = turn.world;
  if (offered.size === 0 || queue.size === 0 || queue.has(jobId)) return false;
  const job = turn.world.job(jobId);
  return job !== null && !runsOnEveryNode(job.type) && isUntouched(turn, job);
}

/** One job that cannot be looked at must not keep the rest waiting: it is tried again later. */
function lookSafely(turn: Turn, jobId: JobId): void {
  const isDone = safely(turn, `looking at job ${jobId}`, () => lookAt(turn, jobId));
  if (!isDone) turn.world.timers.set('retry', jobId, turn.now + LOOK_AGAIN_MS);
}

/** Arranges the executions of one job, and brings its state in line. */
function lookAt(turn: Turn, jobId: JobId): void {
  const job = turn.world.job(jobId);
  if (job === null || isTerminalJobState(job.state)) return;
  if (turn.work.left === 0 && (isUntouched(turn, job) || runsOnEveryNode(job.type)))
    return turn.world.timers.set('retry', jobId, turn.now);
  kinds[job.type].arrange(turn, job);
  settleState(turn, jobId, kinds[job.type]);
}

/** New, and looked at by nobody: it may stay so until the next turn, as may one that asks every node. */
function isUntouched(turn: Turn, job: JobRecord): boolean {
  return job.state === 'Pending' && turn.world.executionsOf(job.id).length === 0;
}

/** Says anew why jobs wait when nodes have changed. */
function refreshReasons(turn: Turn): void {
  const { queue, timers } = turn.world;
  for (const its of queue.classes()) {
    if (its.reasonsOf === queue.reasonsVersion) continue;
    its.reasonsOf = queue.reasonsVersion;
    its.untold = its.line.size > MAX_REASONS_REFRESHED ? 0 : its.line.size;
  }
  const stale = [...queue.classes()].filter(({ untold }) => untold > 0);
  if (stale.length === 0) return timers.clear('settle', 'reasons');
  const notBefore = turn.world.reasonsAt + REASONS_EVERY_MS;
  const count = stale.reduce((sum, { untold }) => sum + untold, 0);
  if (notBefore > turn.now && count > FEW_REASONS) return timers.set('settle', 'reasons', notBefore);
  for (const its of stale) refreshClass(turn, its);
  turn.world.reasonsAt = turn.now;
  if (stale.some(({ untold }) => untold > 0)) timers.set('settle', 'reasons', turn.now + REASONS_EVERY_MS);
}

/** In line, as many as the turn has work left for; the others in a later turn. */
function refreshClass(turn: Turn, its: PlacementClass): void {
  const members = [...its.line.members()];
  its.untold = Math.min(its.untold, members.length);
  while (its.untold > 0 && turn.work.left > 0) {
    const member = members[its.nextTold % members.length];
    its.nextTold = (its.nextTold + 1) % members.length;
    its.untold -= 1;
    const job = member === undefined ? null : turn.world.job(member.jobId);
    if (job !== null && job.state === 'Queued') settleState(turn, job.id, kinds[job.type]);
  }
}
