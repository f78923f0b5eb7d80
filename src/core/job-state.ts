import type { JobRecord } from '../../schema/records.ts';
import { isTerminalJobState, type JobState } from '../../schema/states.ts';
import type { Book } from './book.ts';
import { stopExecution } from './dispatch.ts';
import { isLive } from './execution.ts';
import type { Turn } from './turn.ts';

/**
 * The state of a batch job that nobody stopped and that did not fail: a function of its executions and of where it
 * stood. Running lasts while anything is live; Queued means that nothing is and some partition waits.
 */
export function batchState(state: JobState, book: Book): JobState {
  if (book.completed >= book.count) return 'Completed';
  if (book.started > 0) return 'Running';
  if (book.live > 0) return state === 'Running' ? 'Running' : 'Pending';
  return 'Queued';
}

/** Brings the job's state in line with its executions. @param reason why it waits, when it does */
export function settleState(turn: Turn, before: JobRecord, reason: () => string): void {
  const state = batchState(before.state, turn.world.book(before));
  if (state === 'Queued') return settleQueued(turn, before, reason());
  if (before.waitingSince !== null) turn.updateJob(before.id, { waitingSince: null });
  turn.world.timers.clear('queue', before.id);
  if (state === before.state) return;
  turn.updateJob(before.id, { state, stateMessage: '' });
  if (state === 'Pending') return;
  turn.event(before.id, { topic: 'State Update', message: state, details: { NewState: state } });
  if (isTerminalJobState(state)) turn.world.queue.remove(before.id);
}

/**
 * The job as earlier events of this turn left it: one whose last partition has just been completed has ended, whatever
 * else this turn brings.
 */
export function concluded(turn: Turn, job: JobRecord): JobRecord {
  if (isTerminalJobState(job.state) || batchState(job.state, turn.world.book(job)) !== 'Completed') return job;
  settleState(turn, job, () => '');
  return turn.world.job(job.id) ?? job;
}

function settleQueued(turn: Turn, before: JobRecord, reason: string): void {
  const message = `Job queued. ${reason}`;
  const since = before.waitingSince ?? turn.now;
  const timeoutMs = queueTimeoutMs(turn, before);
  if (timeoutMs === 0) return failForQueueTimeout(turn, before, reason);
  turn.world.timers.set('queue', before.id, since + timeoutMs);
  if (before.state === 'Queued' && before.stateMessage === message && before.waitingSince !== null) return;
  turn.updateJob(before.id, { state: 'Queued', stateMessage: message, waitingSince: since });
  if (before.state !== 'Queued') turn.event(before.id, { topic: 'Queueing', message });
}

/** How long the job may wait for a node; 0 means not at all. */
export function queueTimeoutMs(turn: Turn, job: JobRecord): number {
  return job.needs.queueTimeoutMs ?? turn.env.defaultQueueTimeoutMs;
}

export function failForQueueTimeout(turn: Turn, job: JobRecord, reason: string): void {
  failJob(turn, job, { topic: 'Scheduling', message: reason, details: { Retryable: 'true' } });
}

/** Ends the job as Failed with its reason, and stops what is left of it. */
export function failJob(
  turn: Turn,
  job: JobRecord,
  why: { topic: string; message: string; details?: Readonly<Record<string, string>> },
): void {
  turn.updateJob(job.id, { state: 'Failed', stateMessage: why.message, waitingSince: null });
  turn.event(job.id, { topic: why.topic, message: why.message, details: { IsError: 'true', ...why.details } });
  stopAll(turn, job, 'Execution stopped due to job failure');
}

/** Stops every live execution of the job and takes it out of the queue. */
export function stopAll(turn: Turn, job: JobRecord, reason: string): void {
  turn.world.queue.remove(job.id);
  for (const kind of ['queue', 'retry', 'total'] as const) turn.world.timers.clear(kind, job.id);
  for (const execution of turn.world.executionsOf(job.id)) {
    if (isLive(execution)) stopExecution(turn, execution, reason);
  }
}
