import { MAX_MESSAGE_BYTES, MAX_RUN_OUTPUT_BYTES } from '../../../schema/limits.ts';
import type { Report } from '../../../schema/protocol/from-agent.ts';
import type { ExecutionRecord, JobRecord, RunOutput } from '../../../schema/records.ts';
import { isKeptUp, isTerminalJobState } from '../../../schema/states.ts';
import { cutText } from '../../../schema/text.ts';
import { slotOf } from '../book.ts';
import { armBackstop, resendStop, stopExecution } from '../dispatch.ts';
import { isLive, isOpen, step } from '../execution.ts';
import { judgeFailure } from '../failures.ts';
import type { Turn } from '../turn.ts';
import type { Session } from '../world.ts';

/**
 * Takes what an agent says of one of its executions. Always answered by `ackReport` after the commit, also when it
 * changes nothing: a late, doubled or reordered report is normal and must not come for ever.
 */
export function takeReport(turn: Turn, session: Session, report: Report): void {
  turn.send(session, { type: 'ackReport', executionId: report.executionId, seq: report.seq });
  const execution = turn.world.executions.get(report.executionId);
  if (execution === undefined || !isOpen(execution) || report.seq <= execution.lastSeq) return;
  if (execution.nodeId !== session.nodeId) {
    turn.notes.push(`node ${session.nodeId} reported on ${execution.id}, which is not its own`);
    return;
  }
  turn.world.timers.clear('ack', execution.id);
  const job = turn.world.job(execution.jobId);
  if (job === null) return;
  takeOutcome(turn, execution, { job, report: clean(report) });
}

/** Texts that a database can hold: well-formed, without NUL. */
function clean(report: Report): Report {
  if (!('output' in report) || report.output === null || report.output === undefined) return report;
  const { stdout, stderr, errorMessage, ...rest } = report.output;
  const text = (value: string) => cutText(value, MAX_RUN_OUTPUT_BYTES);
  return {
    ...report,
    output: {
      ...rest,
      stdout: text(stdout),
      stderr: text(stderr),
      errorMessage: cutText(errorMessage, MAX_MESSAGE_BYTES),
    },
  };
}

function takeOutcome(
  turn: Turn,
  execution: ExecutionRecord,
  { job, report }: { job: JobRecord; report: Report },
): void {
  switch (report.state) {
    case 'Running':
    case 'Publishing':
      return takeProgress(turn, execution, { job, report });
    case 'Completed':
      return takeCompletion(turn, execution, { job, report });
    case 'Failed':
      return takeFailure(turn, execution, report);
    case 'Cancelled':
      return takeCancellation(turn, execution, { report, message: report.message, output: report.output ?? null });
  }
}

function takeProgress(
  turn: Turn,
  execution: ExecutionRecord,
  { job, report }: { job: JobRecord; report: Extract<Report, { state: 'Running' | 'Publishing' }> },
): void {
  const computeState = step(execution.computeState, report.state === 'Running' ? 'start' : 'publish');
  // What is known already makes no row, however often it is said under a new number.
  if (computeState === null && execution.runningSince !== null) {
    if (!isLive(execution)) resendStop(turn, execution);
    return;
  }
  const after = turn.updateExecution(execution.id, {
    lastSeq: report.seq,
    ...(computeState !== null && { computeState }),
    runningSince: execution.runningSince ?? turn.now,
  });
  if (computeState !== null) turn.event(job.id, { topic: 'Execution', message: report.state, execution: after });
  armBackstop(turn, after, job);
  if (!isLive(after)) resendStop(turn, after);
}

function takeCompletion(
  turn: Turn,
  execution: ExecutionRecord,
  { job, report }: { job: JobRecord; report: Extract<Report, { state: 'Completed' }> },
): void {
  const { output } = report;
  if (!counts(turn, job, execution)) {
    const message = execution.desiredMessage || 'the partition was completed elsewhere';
    return takeCancellation(turn, execution, { report, message, output });
  }
  const message = output.exitCode === 0 ? 'Completed successfully' : `Completed with exit code ${output.exitCode}`;
  if (isKeptUp(job.type)) return takeUnexpectedEnd(turn, execution, report);
  const other = turn.world.book(job).liveExecution(slotOf(job.type, execution));
  const after = turn.updateExecution(
    execution.id,
    {
      computeState: 'Completed',
      computeMessage: message,
      desiredState: 'Stopped',
      desiredMessage: 'execution completed',
      failureClass: null,
      ...told(report),
    },
    output,
  );
  turn.event(job.id, { topic: 'Execution', message, ...details(report), execution: after });
  if (other !== null && other.id !== execution.id) {
    stopExecution(turn, other, 'Execution stop requested because there are more executions than needed');
  }
}

/** A service or daemon is never done: one that ends, however well, is started again after a pause. */
function takeUnexpectedEnd(
  turn: Turn,
  execution: ExecutionRecord,
  report: Extract<Report, { state: 'Completed' }>,
): void {
  const { output } = report;
  const message = 'execution completed unexpectedly';
  const after = turn.updateExecution(
    execution.id,
    {
      computeState: 'Failed',
      computeMessage: `${message} with exit code ${output.exitCode}`,
      desiredState: 'Stopped',
      desiredMessage: message,
      failureClass: 'environment',
      ...told(report),
    },
    output,
  );
  turn.event(execution.jobId, {
    topic: 'Execution',
    message: after.computeMessage,
    ...details(report, { IsError: 'true', Retryable: 'true' }),
    execution: after,
  });
  judgeFailure(turn, after);
}

/** A completion counts while the partition is open and current, also of an execution that had been given up. */
function counts(turn: Turn, job: JobRecord, execution: ExecutionRecord): boolean {
  if (isLive(execution)) return true;
  if (!execution.fenced || isTerminalJobState(job.state) || execution.jobVersion !== job.version) return false;
  return !turn.world.book(job).hasCompleted(slotOf(job.type, execution));
}

function takeFailure(turn: Turn, execution: ExecutionRecord, report: Extract<Report, { state: 'Failed' }>): void {
  const { failure, output } = report;
  const wanted = isLive(execution);
  const after = turn.updateExecution(
    execution.id,
    {
      computeState: 'Failed',
      computeMessage: failure.message,
      desiredState: 'Stopped',
      desiredMessage: wanted ? 'execution failed' : execution.desiredMessage,
      // One that nobody wants any more spends nobody's attempts.
      failureClass: wanted ? failure.class : execution.failureClass,
      ...told(report),
    },
    output,
  );
  turn.event(execution.jobId, {
    topic: failure.topic === '' ? 'Execution' : failure.topic,
    message: failure.message,
    ...details(report, {
      IsError: 'true',
      FailsExecution: 'true',
      ...(failure.class !== 'permanent' && { Retryable: 'true' }),
      ...(failure.hint !== '' && { Hint: failure.hint }),
    }),
    execution: after,
  });
  if (wanted) judgeFailure(turn, after);
}

function takeCancellation(
  turn: Turn,
  execution: ExecutionRecord,
  { report, message, output }: { report: Report; message: string; output: RunOutput | null },
): void {
  // A limit that the Scheduler keeps has ended it: that is a failure, however the agent ended it.
  if (execution.failureClass === 'environment') return takeEndByLimit(turn, execution, { report, output });
  const wanted = isLive(execution);
  const after = turn.updateExecution(
    execution.id,
    {
      computeState: 'Cancelled',
      computeMessage: message,
      desiredState: 'Stopped',
      desiredMessage: wanted ? message : execution.desiredMessage,
      // The agent gave up a task that is still wanted: somebody stopped it on the node.
      failureClass: wanted ? 'infrastructure' : execution.failureClass,
      ...told(report),
    },
    output,
  );
  turn.event(execution.jobId, {
    topic: 'Execution',
    message: `Cancelled: ${message}`,
    ...details(report),
    execution: after,
  });
  if (wanted) judgeFailure(turn, after);
}

function takeEndByLimit(
  turn: Turn,
  execution: ExecutionRecord,
  { report, output }: { report: Report; output: RunOutput | null },
): void {
  const message = execution.desiredMessage;
  const after = turn.updateExecution(
    execution.id,
    { computeState: 'Failed', computeMessage: message, ...told(report) },
    output,
  );
  turn.event(execution.jobId, {
    topic: 'Execution',
    message,
    ...details(report, { IsError: 'true', FailsExecution: 'true' }),
    execution: after,
  });
}

/** What every report of an end changes. */
function told({ seq, phases }: Report): Pick<ExecutionRecord, 'lastSeq' | 'phases'> {
  return { lastSeq: seq, ...(phases !== undefined && { phases }) };
}

/** Details of an event, with how long each part of the execution took: `RunMs` and so on. */
function details(
  { phases = {} }: Report,
  others: Readonly<Record<string, string>> = {},
): { readonly details?: Readonly<Record<string, string>> } {
  const times = Object.entries(phases).map(([name, ms]) => [
    `${name.charAt(0).toUpperCase()}${name.slice(1)}Ms`,
    `${ms}`,
  ]);
  const all: Record<string, string> = { ...others, ...Object.fromEntries(times) };
  return Object.keys(all).length === 0 ? {} : { details: all };
}
