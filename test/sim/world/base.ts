import { Rng } from './rng.ts';
import { Timeline } from './timeline.ts';
import { Totals } from './totals.ts';
import { Trace } from './trace.ts';
import { Weather } from './weather.ts';

/** What every part of one simulation shares. */
export class Base {
  readonly seed: number;
  readonly rng: Rng;
  readonly timeline = new Timeline();
  readonly totals = new Totals();
  readonly trace: Trace;
  readonly weather = new Weather();
  /** When an agent last sent a report. */
  reportedAt = 0;
  /** All faults are over. */
  isHealed = false;
  /** The first promise that was broken; the simulation ends with it. */
  violation: string | null = null;

  constructor(seed: number, keepTrace: boolean) {
    this.seed = seed;
    this.rng = new Rng(seed);
    this.trace = new Trace(keepTrace, () => this.timeline.now);
  }

  violate(what: string): void {
    this.violation ??= what;
    this.trace.line(`VIOLATION ${what}`);
  }

  /** Counts a fault and puts it into the trace. */
  fault(kind: string, detail = ''): void {
    this.totals.count(`fault ${kind}`);
    this.trace.line(`fault ${kind} ${detail}`);
  }
}
