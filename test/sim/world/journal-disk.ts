import type { ExecutionId } from '../../../schema/ids.ts';
import type { Journal } from '../../../worker-agent/src/journal/journal.ts';
import { Ledger, type Entry } from '../../../worker-agent/src/journal/ledger.ts';
import type { JournalRecord } from '../../../worker-agent/src/journal/records.ts';
import type { Rng } from './rng.ts';
import type { Timeline } from './timeline.ts';

/** Where a machine's journals are kept: it outlives the agents that write them. */
export class JournalDisk {
  records: JournalRecord[] = [];
  full = false;
  readonly #timeline: Timeline;
  readonly #rng: Rng;
  #freeAt = 0;

  constructor(timeline: Timeline, rng: Rng) {
    this.#timeline = timeline;
    this.#rng = rng;
  }

  /** Opens the journal for one agent; what it writes after `isAlive` turned false is lost. */
  open(isAlive: () => boolean): Journal {
    return new SimJournal(this, isAlive);
  }

  /** Resolves when the record would survive a loss of power; records become durable in the order they were written. */
  write(record: JournalRecord, isAlive: () => boolean): Promise<void> {
    const at = Math.max(this.#freeAt, this.#timeline.now + this.#rng.int(0, 8));
    this.#freeAt = at;
    return new Promise((resolve, reject) => {
      this.#timeline.at(at, () => {
        if (!isAlive()) return;
        if (this.full) return reject(new Error('no space left on device'));
        this.records.push(record);
        resolve();
      });
    });
  }
}

class SimJournal implements Journal {
  readonly #disk: JournalDisk;
  readonly #isAlive: () => boolean;
  readonly #ledger = new Ledger();

  constructor(disk: JournalDisk, isAlive: () => boolean) {
    this.#disk = disk;
    this.#isAlive = isAlive;
    for (const record of disk.records) this.#ledger.apply(record);
  }

  get entries(): ReadonlyMap<ExecutionId, Entry> {
    return this.#ledger.entries;
  }

  append(record: JournalRecord): Promise<void> {
    this.#ledger.apply(record);
    return this.#disk.write(record, this.#isAlive);
  }
}
