import { ShoalError } from '../../schema/errors.ts';
import type { ExecutionId, JobId } from '../../schema/ids.ts';
import { isTerminalJobState, type ComputeState } from '../../schema/states.ts';
import { newestExecutions, type ExecutionView } from '../store/reads/executions.ts';
import type { Reads } from '../store/reads/reads.ts';

/** They never ran. */
const declined: ReadonlySet<ComputeState> = new Set(['AskForBidRejected', 'BidRejected']);
/** They may have ended before anything could be printed. */
const broken: ReadonlySet<ComputeState> = new Set(['Failed', 'Cancelled']);
/** Of executions that have no output in the database the bucket is asked about this many, the newest ones. */
const MAX_ASKED = 10;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 2_000;

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
}

interface Waiting {
  readonly reads: Reads;
  readonly hasStored: HasStored;
  readonly pause: (ms: number) => Promise<void>;
  /** Nobody waits any more. */
  readonly isOver: () => boolean;
}

/**
 * The execution of a job that waits for one; null when nobody waits any more.
 * @throws Error with the job's reason when it ends without one
 */
export async function awaitExecution(
  { jobId, version }: Awaited,
  { reads, hasStored, pause, isOver }: Waiting,
): Promise<ExecutionId | null> {
  const ref = { namespace: '', text: jobId, scope: null };
  for (let waitMs = FIRST_WAIT_MS; !isOver(); waitMs = Math.min(MAX_WAIT_MS, waitMs * 2)) {
    const found = await look(reads.getJob(ref, { version: 0, history: null, executions: newestExecutions(version) }));
    const chosen = found === null ? null : await chooseExecution(found.executions, hasStored);
    if (chosen !== null) return chosen;
    if (found !== null && isTerminalJobState(found.job.state)) {
      const { name, state, stateMessage } = found.job;
      const reason = stateMessage === '' ? '' : `: ${stateMessage}`;
      throw new Error(`job ${name} has ended as ${state} without having run${reason}`);
    }
    await pause(waitMs);
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
