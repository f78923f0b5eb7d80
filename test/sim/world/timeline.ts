import { Heap } from '../../../src/core/heap.ts';

export type Cancel = () => void;

interface Entry {
  readonly at: number;
  /** Entries of one moment run in the order they were made. */
  readonly order: number;
  run: (() => void) | null;
}

/** Epoch ms at which every simulation begins. */
export const START = 1_800_000_000_000;

/**
 * Virtual time with everything that is still to happen. Time moves only when all promises that can go on have done so,
 * and then to the next entry: one process, one thread, one order.
 */
export class Timeline {
  #now = START;
  #order = 0;
  /** Entries that ran. */
  steps = 0;
  readonly #entries = new Heap<Entry>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));

  get now(): number {
    return this.#now;
  }

  at(time: number, run: () => void): Cancel {
    const entry: Entry = { at: Math.max(this.#now, Math.ceil(time)), order: this.#order++, run };
    this.#entries.push(entry);
    return () => {
      entry.run = null;
    };
  }

  after(ms: number, run: () => void): Cancel {
    return this.at(this.#now + Math.max(0, ms), run);
  }

  /** Runs what is due until `until`, or until `done` says so. */
  async run(until: number, done: () => boolean): Promise<void> {
    await drain();
    for (;;) {
      const next = this.#entries.peek();
      if (next === undefined || next.at > until) break;
      this.#entries.pop();
      if (next.run === null) continue;
      this.#now = next.at;
      this.steps += 1;
      next.run();
      await drain();
      if (done()) return;
    }
    this.#now = until;
  }
}

/** Resolves when no promise can go on any more. Nothing here waits for the real world, so one turn of the loop is enough. */
function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
