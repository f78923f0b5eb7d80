import { backoffMs } from '../../schema/backoff.ts';
import { ShoalError } from '../../schema/errors.ts';
import type { ExecutionId, JobId } from '../../schema/ids.ts';
import { isTerminalJobState, type ComputeState } from '../../schema/states.ts';
import { newestExecutions, type ExecutionView } from '../store/reads/executions.ts';
import type { JobView } from '../store/reads/jobs.ts';
import type { Reads } from '../store/reads/reads.ts';

/** They never ran. */
const declined: ReadonlySet<ComputeState> = new Set(['AskForBidRejected', 'BidRejected']);
/** They may have ended before anything could be printed. */
const broken: ReadonlySet<ComputeState> = new Set(['Failed', 'Cancelled']);
/** Of executions that have no output in the database the bucket is asked about this many, the newest ones. */
const MAX_ASKED = 10;
/** Between looks for an execution. */
const PAUSES = { firstMs: 250, mostMs: 2_000 };

/** They may have output, later; one that cannot be started never will. */
const unbegun: ReadonlySet<ComputeState> = new Set([
  'Undefined',
  'New',
  'AskForBid',
  'AskForBidAccepted',
  'BidAccepted',
]);

/** Whether the chosen execution may end without ever having run: who follows its job must be ready to go on with another. */
export function mayNotRun(executions: readonly ExecutionView[], chosen: ExecutionId): boolean {
  return executions.some(({ id, computeState }) => id === chosen && unbegun.has(computeState));
}

/** Why a job has no log, once it has ended. */
export function neverRan({ name, state, stateMessage }: JobView): string {
  return `job ${name} has ended as ${state} without having run${afterColon(stateMessage)}`;
}

export function afterColon(reason: string): string {
  return reason === '' ? '' : `: ${reason}`;
}

/** Whether anything of an execution's log is stored. */
export type HasStored = (executionId: ExecutionId) => Promise<boolean>;

/** Whose log is meant where none is named: the newest execution that has one or will have one. */
export async function chooseExecution(
  executions: readonly ExecutionView[],
  hasStored: HasStored,
): Promise<ExecutionId | null> {
  let asked = 0;
  // What was given up changed last by that, but another one may run in its place.
  const inOrder = [...executions.filter(({ fenced }) => !fenced), ...executions.filter(({ fenced }) => fenced)];
  for (const { id, computeState, fenced, output } of inOrder) {
    if (declined.has(computeState)) continue;
    // Nor may more ever be heard of what was given up.
    if ((!broken.has(computeState) && !fenced) || output !== null) return id;
    if (asked++ < MAX_ASKED && (await hasStored(id))) return id;
  }
  return null;
}

interface Awaited {
  readonly jobId: JobId;
  /** 0 means all. */
  readonly version: number;
  /** Those that were followed to an end without having run. */
  readonly without: ReadonlySet<ExecutionId>;
}

interface Waiting {
  readonly reads: Reads;
  readonly hasStored: HasStored;
  readonly pause: (ms: number) => Promise<void>;
  /** Nobody waits any more. */
  readonly isOver: () => boolean;
}

/**
 * The execution of a job that waits for one; null when nobody waits any more, or when the job is Completed.
 * @throws Error with the job's reason when it ends otherwise without one
 */
export async function awaitExecution(
  { jobId, version, without }: Awaited,
  { reads, hasStored, pause, isOver }: Waiting,
): Promise<ExecutionId | null> {
  const ref = { namespace: '', text: jobId, scope: null };
  for (let looks = 0; !isOver(); looks++) {
    const found = await look(reads.getJob(ref, { version: 0, history: null, executions: newestExecutions(version) }));
    const left = found?.executions.filter(({ id }) => !without.has(id)) ?? [];
    const chosen = await chooseExecution(left, hasStored);
    if (chosen !== null) return chosen;
    if (found?.job.state === 'Completed') return null;
    if (found !== null && isTerminalJobState(found.job.state)) throw new Error(neverRan(found.job));
    await pause(backoffMs(PAUSES, looks));
  }
  return null;
}

/** Null while the database is away: who waits goes on waiting. */
async function look<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof ShoalError && error.shape.status === 503) return null;
    throw error;
  }
}
