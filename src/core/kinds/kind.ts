import type { JobRecord } from '../../../schema/records.ts';
import type { JobState } from '../../../schema/states.ts';
import type { Turn } from '../turn.ts';

/** What sets the types of jobs apart. Each is a function of the job's row and its executions. */
export interface Kind {
  /** Starts and stops executions until they are what the job wants, as far as there is room. May end the job. */
  arrange(turn: Turn, job: JobRecord): void;
  /** The state of a job that nobody stopped and that did not fail. */
  state(turn: Turn, job: JobRecord): JobState;
  /** Why nothing of it runs, when it is Queued. */
  reason(turn: Turn, job: JobRecord): string;
  /** How long it may be Queued, ms: 0 fails it at once, null lets it wait for ever. */
  queueTimeoutMs(turn: Turn, job: JobRecord): number | null;
}

/**
 * Running lasts while anything is live: an execution that is dispatched anew does not turn a job back to Pending. Queued
 * means that nothing is live and something waits.
 */
export function stateByLiveness(before: JobState, book: { readonly started: number; readonly live: number }): JobState {
  if (book.started > 0) return 'Running';
  if (book.live > 0) return before === 'Running' ? 'Running' : 'Pending';
  return 'Queued';
}
