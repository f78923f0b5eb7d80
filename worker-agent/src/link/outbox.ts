import type { ExecutionId } from '@shoal/schema/ids';
import type { Report } from '@shoal/schema/protocol/from-agent';
import type { Cancel, Clock } from '../ports.ts';

const WINDOW = 100;
const RESEND_MS = 5_000;
const MAX_RESEND_MS = 60_000;

interface InFlight {
  readonly report: Report;
  readonly delayMs: number;
  readonly dueAt: number;
}

/**
 * Reports that the Scheduler has not acknowledged: the newest of each execution. At most 100 are in flight; each is sent
 * again after 5 s, doubling to 60 s, and at every welcome, until its acknowledgement comes. What waits survives in the
 * journal, so this may be lost with the process.
 */
export class Outbox {
  readonly #clock: Clock;
  /** Puts a report on the wire; false when there is no connection. */
  readonly #send: (report: Report) => boolean;
  readonly #waiting = new Map<ExecutionId, Report>();
  readonly #flight = new Map<ExecutionId, InFlight>();
  #connected = false;
  #cancelTimer: Cancel | null = null;

  constructor(clock: Clock, send: (report: Report) => boolean) {
    this.#clock = clock;
    this.#send = send;
  }

  get size(): number {
    return this.#waiting.size + this.#flight.size;
  }

  /** The report that is still to be acknowledged, if there is one. */
  get(executionId: ExecutionId): Report | undefined {
    return this.#flight.get(executionId)?.report ?? this.#waiting.get(executionId);
  }

  *[Symbol.iterator](): Iterator<Report> {
    for (const { report } of this.#flight.values()) yield report;
    yield* this.#waiting.values();
  }

  /** Takes a report, in place of an older one of the same execution, and sends it as soon as the window allows. */
  put(report: Report): void {
    const known = this.get(report.executionId);
    if (known !== undefined && known.seq > report.seq) return;
    this.#flight.delete(report.executionId);
    this.#waiting.set(report.executionId, report);
    this.#pump();
  }

  /** True when that was the report in question; an older number leaves the newer report where it is. */
  acknowledged(executionId: ExecutionId, seq: number): boolean {
    const known = this.get(executionId);
    if (known === undefined || known.seq !== seq) return false;
    this.#flight.delete(executionId);
    this.#waiting.delete(executionId);
    this.#pump();
    return true;
  }

  connected(): void {
    this.#connected = true;
    this.#returnAll();
    this.#pump();
  }

  disconnected(): void {
    this.#connected = false;
    this.#returnAll();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #returnAll(): void {
    for (const [id, { report }] of this.#flight) this.#waiting.set(id, report);
    this.#flight.clear();
  }

  #pump(): void {
    if (!this.#connected) return;
    for (const report of this.#waiting.values()) {
      if (this.#flight.size >= WINDOW) break;
      if (!this.#launch(report, RESEND_MS)) break;
    }
    this.#arm();
  }

  #launch(report: Report, delayMs: number): boolean {
    if (!this.#send(report)) return false;
    this.#waiting.delete(report.executionId);
    this.#flight.set(report.executionId, { report, delayMs, dueAt: this.#clock.monotonic() + delayMs });
    return true;
  }

  #arm(): void {
    if (this.#flight.size === 0) {
      this.#cancelTimer?.();
      this.#cancelTimer = null;
      return;
    }
    // An armed timer is early at worst, and then looks again.
    if (this.#cancelTimer !== null) return;
    const due = Math.min(...[...this.#flight.values()].map((one) => one.dueAt));
    const delayMs = Math.max(0, due - this.#clock.monotonic());
    this.#cancelTimer = this.#clock.after(delayMs, () => {
      this.#cancelTimer = null;
      this.#resendDue();
    });
  }

  #resendDue(): void {
    const now = this.#clock.monotonic();
    const due = [...this.#flight.values()].filter((one) => one.dueAt <= now);
    for (const { report, delayMs } of due) this.#launch(report, Math.min(delayMs * 2, MAX_RESEND_MS));
    this.#arm();
  }
}
