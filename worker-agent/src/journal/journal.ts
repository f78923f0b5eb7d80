import type { ExecutionId } from '@shoal/schema/ids';
import type { Entry } from './ledger.ts';
import type { JournalRecord } from './records.ts';

/** The agent's memory across crashes. */
export interface Journal {
  /** As of the last `append`, durable or not yet. */
  readonly entries: ReadonlyMap<ExecutionId, Entry>;
  /**
   * Adds a record: `entries` shows it at once, the promise resolves when it would survive a loss of power.
   * Rejects when it could not be written; it may then be appended again.
   */
  append(record: JournalRecord): Promise<void>;
}
