import type { EpochMs, EvaluationId, ExecutionId } from '../../schema/ids.ts';
import { shortId } from '../../schema/ids.ts';
import {
  ACK_MS,
  EXECUTION_BACKSTOP_MS,
  FENCED_EXPIRY_MS,
  MAX_STOP_RESEND_MS,
  OVERDUE_GRACE_MS,
  STOP_RESEND_MS,
} from '../../schema/limits.ts';
import type { ExecutionRecord, FailureClass, JobRecord, NodeRecord } from '../../schema/records.ts';
import { msOf } from './clock.ts';
import { isLive, isOpen } from './execution.ts';
import { leaseEnd } from './sessions.ts';
import type { Message, Turn } from './turn.ts';
import type { Session, World } from './world.ts';

/** Decides one attempt: the row, its line of history, and the `run` that leaves after the commit. */
export function startExecution(
  turn: Turn,
  job: JobRecord,
  at: { partition: number; node: NodeRecord; session: Session; evalId: EvaluationId },
): ExecutionRecord {
  const execution = turn.createExecution({
    id: turn.env.newExecutionId(),
    cell: job.cell,
    namespace: job.namespace,
    jobId: job.id,
    jobVersion: job.version,
    partition: at.partition,
    nodeId: at.node.id,
    evalId: at.evalId,
    computeState: 'New',
    computeMessage: '',
    desiredState: 'Running',
    desiredMessage: '',
    failureClass: null,
    fenced: false,
    resources: job.needs.resources,
    lastSeq: 0,
    runningSince: null,
  });
  turn.event(job.id, {
    topic: 'Scheduling',
    message: `Requested execution on ${shortId(at.node.id)}`,
    details: { NodeID: at.node.id },
    execution,
  });
  sendRun(turn, at.session, execution, job);
  return execution;
}

/** Sends `run` and starts the deadline for its acknowledgement. */
export function sendRun(turn: Turn, session: Session, execution: ExecutionRecord, job: JobRecord): void {
  turn.send(session, { type: 'run', execution, job });
  turn.world.timers.set('ack', execution.id, turn.now + ACK_MS);
  armLease(turn, execution);
}

/** What a stop says beside its reason. */
export interface StopOptions {
  /** The version whose doing it is, when it is not the execution's own: its history tells of it. */
  readonly jobVersion?: number;
  /** The stop is a failure of this class, and so will the end be that the agent reports. */
  readonly failureClass?: FailureClass;
}

/**
 * Counts the deadlines of frames from when they were sent: what the turn did before that is not the agent's time. What
 * was set when they were decided stays for those that could not be sent.
 */
export function countFromSending({ timers }: World, sent: readonly Message[], sentAt: EpochMs): void {
  const atLeast = (kind: 'ack' | 'stop', id: ExecutionId, at: EpochMs) => {
    const set = timers.get(kind, id);
    if (set !== null && set < at) timers.set(kind, id, at);
  };
  for (const { body } of sent) {
    if (body.type === 'run') atLeast('ack', body.execution.id, sentAt + ACK_MS);
    else if (body.type === 'stop') atLeast('stop', body.executionId, sentAt + STOP_RESEND_MS);
  }
}

/** Wants the execution to end. It stays charged until its agent says that it is over. */
export function stopExecution(
  turn: Turn,
  execution: ExecutionRecord,
  reason: string,
  { jobVersion, failureClass }: StopOptions = {},
): void {
  if (!isLive(execution)) return;
  const stopped = turn.updateExecution(execution.id, {
    desiredState: 'Stopped',
    desiredMessage: reason,
    ...(failureClass !== undefined && { failureClass }),
  });
  turn.event(execution.jobId, {
    topic: 'Scheduling',
    message: reason,
    execution: stopped,
    ...(jobVersion !== undefined && { jobVersion }),
  });
  endLater(turn, stopped);
}

/** Told in the history of the version that takes over: a client that waits for its first execution event sees it. */
export function stopForUpdate(turn: Turn, execution: ExecutionRecord, { version }: JobRecord): void {
  stopExecution(turn, execution, 'Execution stopped for job update', { jobVersion: version });
}

interface WhyFenced {
  readonly reason: string;
  readonly failureClass: FailureClass;
  readonly topic?: string;
  /** Of the event, beside the node. */
  readonly details?: Readonly<Record<string, string>>;
}

/**
 * Gives up on an execution that cannot be reached, so that its partition may run elsewhere. Should its node return with
 * Completed while the partition is still open, that counts.
 */
export function fenceExecution(
  turn: Turn,
  execution: ExecutionRecord,
  { reason, failureClass, topic = 'Scheduling', details = {} }: WhyFenced,
): ExecutionRecord {
  if (!isLive(execution)) return execution;
  const fenced = turn.updateExecution(execution.id, {
    desiredState: 'Stopped',
    desiredMessage: reason,
    fenced: true,
    failureClass,
  });
  turn.event(execution.jobId, {
    topic,
    message: reason,
    details: { NodeID: execution.nodeId, ...details },
    execution: fenced,
  });
  endLater(turn, fenced);
  return fenced;
}

/** Sends `stop`, again and again while the node is connected, and gives up for good after a day. */
function endLater(turn: Turn, execution: ExecutionRecord): void {
  turn.world.timers.set('fenced', execution.id, turn.now + FENCED_EXPIRY_MS);
  sendStop(turn, execution, STOP_RESEND_MS);
}

/** Sends `stop` when the node is connected. @param againMs when to send it once more */
export function sendStop(turn: Turn, execution: ExecutionRecord, againMs: number): void {
  const session = turn.world.sessions.get(execution.nodeId);
  if (session === undefined || !isOpen(execution)) return;
  turn.send(session, { type: 'stop', executionId: execution.id, reason: execution.desiredMessage });
  turn.world.timers.set('stop', execution.id, turn.now + againMs);
  armLease(turn, execution);
}

/** Sends `stop` again, each time after twice as long. */
export function resendStop(turn: Turn, execution: ExecutionRecord): void {
  const waited = turn.now - msOf(execution.modifiedAt);
  sendStop(turn, execution, Math.min(MAX_STOP_RESEND_MS, Math.max(STOP_RESEND_MS, waited)));
}

/** The Scheduler's own limit on how long a task runs, should the agent not keep its own. */
export function armBackstop(turn: Turn, execution: ExecutionRecord, job: JobRecord): void {
  const { executionTimeoutMs } = job.needs;
  if (executionTimeoutMs === 0 || execution.runningSince === null) return;
  const at = execution.runningSince + executionTimeoutMs + EXECUTION_BACKSTOP_MS;
  // After an outage the agent may still have to say how it ended.
  turn.world.timers.set('backstop', execution.id, Math.max(at, turn.world.startedAt + OVERDUE_GRACE_MS));
}

/** A node that holds work is listened to: its silence must be noticed. */
export function armLease(turn: Turn, execution: ExecutionRecord): void {
  const { timers } = turn.world;
  const { nodeId } = execution;
  if (timers.get('lease', nodeId) === null) timers.set('lease', nodeId, leaseEnd(turn, nodeId));
}
