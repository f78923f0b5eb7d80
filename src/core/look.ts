import type { JobId } from '../../schema/ids.ts';
import type { JobRecord } from '../../schema/records.ts';
import { isTerminalJobState } from '../../schema/states.ts';
import { Heap } from './heap.ts';
import { settleState } from './job-state.ts';
import { declinedBy, placeJob, whyNodesDoNot, type Placement } from './placement/place.ts';
import { notEnoughNodes } from './placement/reasons.ts';
import type { Turn } from './turn.ts';
import { isBefore, type Shape } from './wait-queue.ts';

/** Waiting jobs of one shape whose reason is written anew when nodes change; the others keep what they were told. */
const MAX_REASONS_REFRESHED = 100;

/** Looks at everything that this turn changed, until nothing is left to decide. */
export function settle(turn: Turn): void {
  for (;;) {
    for (let jobId = turn.takeDirty(); jobId !== null; jobId = turn.takeDirty()) lookAt(turn, jobId);
    if (!turn.takeCapacityChanged()) break;
    serveQueue(turn);
  }
  if (turn.takeNodesChanged()) refreshReasons(turn);
  turn.forgetInactive();
}

/** Places what can be placed of one job, and brings its state in line. */
function lookAt(turn: Turn, jobId: JobId): void {
  const job = turn.world.job(jobId);
  if (job === null || isTerminalJobState(job.state)) return;
  if (!turn.world.queue.has(jobId) && turn.world.book(job).unplacedCount > 0) {
    const barred = declinedBy(turn, job);
    const blocked = turn.world.queue.isBlocked(job.needs, barred.keys());
    afterPlacing(turn, job, blocked ? 'blocked' : placeJob(turn, job, turn.evaluationOf(job.id)));
  }
  const current = turn.world.job(jobId);
  if (current !== null && !isTerminalJobState(current.state))
    settleState(turn, current, () => reasonFor(turn, current));
}

function afterPlacing(turn: Turn, job: JobRecord, placement: Placement): void {
  const { queue, timers } = turn.world;
  switch (placement) {
    case 'placed':
      queue.remove(job.id);
      return;
    case 'more':
      timers.set('retry', job.id, turn.now);
      return;
    case 'blocked':
      queue.add(
        { jobId: job.id, priority: job.priority, since: job.versionAt },
        job.needs,
        declinedBy(turn, job).keys(),
      );
  }
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
    const placement = placeJob(turn, job, turn.evaluationOf(job.id));
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
      if (job !== null && job.state === 'Queued') settleState(turn, job, () => reasonFor(turn, job));
    }
  }
}

/** Why the job waits, when it does: for a node, or for its next attempt. */
export function reasonFor(turn: Turn, job: JobRecord): string {
  const book = turn.world.book(job);
  if (turn.world.queue.has(job.id)) return notEnoughNodes(book.unplacedCount, whyNodesDoNot(turn, job));
  for (const partition of book.unplaced()) {
    const { last } = book.attempts(partition);
    if (last !== null)
      return `the next attempt follows shortly. last failure: ${last.computeMessage || last.desiredMessage}`;
  }
  return 'it is looked at again shortly';
}
