import type { EpochMs } from '../../schema/ids.ts';
import type { Ports } from './ports.ts';

const MINUTE_MS = 60_000;
/** Lines of one event within a minute. */
const MAX_LINES = 20;

type Log = Ports['log'];

/** Counts what happens too often for lines of its own: the sums are a line at once, and then at most one a minute. */
export class Tally<Name extends string> {
  readonly #event: string;
  readonly #ports: { readonly log: Log; now(): EpochMs };
  #sums: Partial<Record<Name, number>> = {};
  #saidAt: EpochMs = 0;

  constructor(event: string, ports: { readonly log: Log; now(): EpochMs }) {
    this.#event = event;
    this.#ports = ports;
  }

  add(counts: Readonly<Partial<Record<Name, number>>>): void {
    for (const name of Object.keys(counts) as Name[]) {
      this.#sums[name] = (this.#sums[name] ?? 0) + (counts[name] ?? 0);
    }
    const now = this.#ports.now();
    if (now - this.#saidAt < MINUTE_MS) return;
    this.#saidAt = now;
    this.#ports.log(this.#event, this.#sums);
    this.#sums = {};
  }
}

/**
 * A log that somebody outside cannot fill: of each event at most 20 lines a minute, however often it happens; the first
 * line after that says how many are missing before it.
 */
export function bounded(log: Log, now: () => EpochMs): Log {
  const windows = new Map<string, { since: EpochMs; lines: number; unsaid: number }>();
  return (event, fields, level) => {
    const at = now();
    let window = windows.get(event);
    if (window === undefined || at - window.since >= MINUTE_MS) {
      window = { since: at, lines: 0, unsaid: window?.unsaid ?? 0 };
      windows.set(event, window);
    }
    if (window.lines >= MAX_LINES) {
      window.unsaid += 1;
      return;
    }
    log(event, window.unsaid === 0 ? fields : { ...fields, unsaid: window.unsaid }, level);
    window.lines += 1;
    window.unsaid = 0;
  };
}
