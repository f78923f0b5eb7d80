import type { ExecutionId } from '@shoal/schema/ids';
import type { Journal } from './journal.ts';
import { Ledger, type Entry } from './ledger.ts';
import type { JournalRecord } from './records.ts';

/** A journal for tests and simulations: it outlives the agent that writes it, and writes when told to fail reject. */
export class MemoryJournal implements Journal {
  readonly log: JournalRecord[] = [];
  readonly #ledger = new Ledger();
  /** While set, appends are lost and reject with it. */
  failure: Error | null = null;
  #held: PromiseWithResolvers<void> | null = null;

  get entries(): ReadonlyMap<ExecutionId, Entry> {
    return this.#ledger.entries;
  }

  /** From now on nothing is durable before `release`. */
  hold(): void {
    this.#held = Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  async append(record: JournalRecord): Promise<void> {
    this.#ledger.apply(record);
    if (this.#held !== null) await this.#held.promise;
    if (this.failure !== null) throw this.failure;
    this.log.push(record);
  }

  /** What an agent finds that starts after this one was killed: the durable records and nothing else. */
  reopen(): MemoryJournal {
    const next = new MemoryJournal();
    for (const record of this.log) {
      next.#ledger.apply(record);
      next.log.push(record);
    }
    return next;
  }
}
