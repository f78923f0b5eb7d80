import type { JobId } from '../../schema/ids.ts';
import { isTerminalJobState } from '../../schema/states.ts';
import { Heap } from './heap.ts';
import { settleState } from './job-state.ts';
import { kinds } from './kinds/kinds.ts';
import { afterPlacing } from './kinds/partitions.ts';
import { placePartitions } from './placement/place.ts';
import { reserveForHead } from './placement/reservation.ts';
import { safely } from './safely.ts';
import type { Turn } from './turn.ts';
import { isBefore, type Shape } from './wait-queue.ts';

/** Waiting jobs of one shape whose reason is written anew when nodes change; the others keep what they were told. */
const MAX_REASONS_REFRESHED = 100;
/** When a look at a job failed, how long until the next one. */
const LOOK_AGAIN_MS = 30_000;

/** Looks at everything that this turn changed, until nothing is left to decide. */
export function settle(turn: Turn): void {
  let nodesChanged = false;
  for (;;) {
    if (turn.takeNodesChanged()) {
      nodesChanged = true;
      for (const jobId of turn.world.fanOuts) turn.markDirty(jobId);
    }
    for (let jobId = turn.takeDirty(); jobId !== null; jobId = turn.takeDirty()) lookSafely(turn, jobId);
    if (!turn.takeCapacityChanged()) break;
    // What belongs on every node comes before what may go anywhere.
    for (const [jobId, { busy }] of turn.world.fanOutWaiting) if (busy > 0) turn.markDirty(jobId);
    for (let jobId = turn.takeDirty(); jobId !== null; jobId = turn.takeDirty()) lookSafely(turn, jobId);
    serveQueue(turn);
    reserveForHead(turn);
  }
  if (nodesChanged) refreshReasons(turn);
  turn.forgetInactive();
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
  kinds[job.type].arrange(turn, job);
  settleState(turn, jobId, kinds[job.type]);
}

/**
 * Gives new room to those who wait, in the queue's order. Between turns every shape is blocked, so one pass over the
 * shapes is enough, however many jobs wait: a shape whose first job finds no node is left alone.
 */
function serveQueue(turn: Turn): void {
  const shapes = new Heap<Shape>((a, b) => {
    const [x, y] = [a.line.head(), b.line.head()];
    return x !== undefined && (y === undefined || isBefore(x, y));
  });
  for (const shape of turn.world.queue.shapes()) shapes.push(shape);
  for (let shape = shapes.pop(); shape !== undefined; shape = shapes.pop()) {
    const head = shape.line.head();
    const job = head === undefined ? null : turn.world.job(head.jobId);
    if (job === null) continue;
    const placement = placePartitions(turn, job);
    if (placement === 'blocked') continue;
    afterPlacing(turn, job, placement);
    turn.markDirty(job.id);
    if (placement === 'placed' && shape.line.size > 0) shapes.push(shape);
  }
}

function refreshReasons(turn: Turn): void {
  for (const shape of turn.world.queue.shapes()) {
    if (shape.line.size > MAX_REASONS_REFRESHED) continue;
    for (const { jobId } of shape.line.members()) {
      const job = turn.world.job(jobId);
      if (job !== null && job.state === 'Queued') settleState(turn, jobId, kinds[job.type]);
    }
  }
}
