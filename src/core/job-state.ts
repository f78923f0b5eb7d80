import type { FailureClass, JobRecord } from '../../schema/records.ts';
import type { EpochMs, JobId } from '../../schema/ids.ts';
import { isTerminalJobState } from '../../schema/states.ts';
import { stopExecution, type StopOptions } from './dispatch.ts';
import { isLive } from './execution.ts';
import type { Kind } from './kinds/kind.ts';
import { leaveQueue } from './placement/kept-free.ts';
import { nodesAround } from './placement/reasons.ts';
import { whyUnplaceable } from './placement/unplaceable.ts';
import type { Turn } from './turn.ts';

/** Brings the job's state in line with its executions, and tells why it waits when it does. */
export function settleState(turn: Turn, jobId: JobId, kind: Kind): void {
  const before = turn.world.job(jobId);
  if (before === null || isTerminalJobState(before.state)) return;
  const state = kind.state(turn, before);
  if (state === 'Queued') return settleQueued(turn, before, kind);
  if (before.waitingSince !== null) turn.updateJob(before.id, { waitingSince: null });
  turn.world.timers.clear('queue', before.id);
  if (state === before.state) return;
  turn.updateJob(before.id, { state, stateMessage: '' });
  if (state === 'Pending') return;
  turn.event(before.id, { topic: 'State Update', message: state, details: { NewState: state } });
  if (isTerminalJobState(state)) clearJob(turn, before.id);
}

function settleQueued(turn: Turn, before: JobRecord, kind: Kind): void {
  const reason = kind.reason(turn, before);
  const message = `Job queued. ${reason}`;
  const since = before.waitingSince ?? turn.now;
  const timeoutMs = kind.queueTimeoutMs(turn, before);
  if (timeoutMs === 0) return failForQueueTimeout(turn, before, reason);
  if (timeoutMs !== null) turn.world.timers.set('queue', before.id, since + timeoutMs);
  const isSame = before.state === 'Queued' && before.stateMessage === message && before.waitingSince !== null;
  if (!isSame) turn.updateJob(before.id, { state: 'Queued', stateMessage: message, waitingSince: since });
  tellHistory(turn, before, message);
}

/**
 * Tells history why the job waits: when it begins to, and again when no connected node could take it and the kinds of
 * reasons have changed, now and then. Clients print such events as they come.
 */
function tellHistory(turn: Turn, before: JobRecord, message: string): void {
  const { told } = before;
  const why = whyUnplaceable(turn, before);
  if (why === null && before.state === 'Queued') return;
  if (why !== null && told !== null) {
    if (why.kinds === told.kinds || told.times >= MAX_TOLD) return;
    const again = told.at + TOLD_EVERY_MS;
    if (again > turn.now) return lookAgainBy(turn, before.id, again);
  }
  const details = why === null ? {} : { IsError: 'true', Hint: why.hint };
  if (why !== null) {
    const times = (told?.times ?? 0) + 1;
    turn.updateJob(before.id, { told: { kinds: why.kinds, at: turn.now, times } });
  }
  turn.event(before.id, { topic: 'Queueing', message, details });
}

/** Its next attempt, or what a full turn has left of it, may come sooner. */
function lookAgainBy({ world: { timers } }: Turn, jobId: JobId, at: EpochMs): void {
  timers.set('retry', jobId, Math.min(at, timers.get('retry', jobId) ?? at));
}

/** How often history is told anew at most: once in so long, and so often for one version. */
const TOLD_EVERY_MS = 60_000;
const MAX_TOLD = 10;

export function failForQueueTimeout(turn: Turn, job: JobRecord, reason: string): void {
  failJob(turn, job, {
    topic: 'Scheduling',
    message: reason,
    details: { Retryable: 'true', ...nodeCounts(turn, job) },
  });
}

/** The numbers of the reason, for a job whose partitions wait for nodes. */
function nodeCounts(turn: Turn, job: JobRecord): Readonly<Record<string, string>> {
  if (!turn.world.queue.has(job.id)) return {};
  return {
    NodesRequested: String(turn.world.book(job).unplacedCount),
    NodesAvailable: String(nodesAround(turn).length),
    NodesSuitable: '0',
  };
}

/**
 * Ends the job as Failed with its reason, and stops what is left of it.
 * @param why  with `failsExecutions` what is left fails with the job's reason; else it is cancelled
 */
export function failJob(
  turn: Turn,
  job: JobRecord,
  why: { topic: string; message: string; details?: Readonly<Record<string, string>>; failsExecutions?: FailureClass },
): void {
  turn.updateJob(job.id, { state: 'Failed', stateMessage: why.message, waitingSince: null });
  turn.event(job.id, { topic: why.topic, message: why.message, details: { IsError: 'true', ...why.details } });
  const { failsExecutions } = why;
  if (failsExecutions === undefined) stopAll(turn, job, 'Execution stopped due to job failure');
  else stopAll(turn, job, why.message, { failureClass: failsExecutions });
}

/** Takes the job out of the queue, and back its deadlines. */
export function clearJob(turn: Turn, jobId: JobId): void {
  leaveQueue(turn, jobId);
  for (const kind of ['queue', 'retry', 'total', 'reserve'] as const) turn.world.timers.clear(kind, jobId);
}

/** Stops every live execution of the job and takes it out of the queue. */
export function stopAll(turn: Turn, job: JobRecord, reason: string, options?: StopOptions): void {
  clearJob(turn, job.id);
  for (const execution of turn.world.executionsOf(job.id)) {
    if (isLive(execution)) stopExecution(turn, execution, reason, options);
  }
}
