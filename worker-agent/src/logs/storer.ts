import { Buffer } from 'node:buffer';
import type { ExecutionId } from '@shoal/schema/ids';
import { MAX_LOG_PART_BYTES } from '@shoal/schema/limits';
import { errorText, pause, type Cancel, type Clock, type Log } from '../ports.ts';
import type { Spool } from './spool.ts';

/** One part of a log for keeping. */
export interface LogPart {
  readonly executionId: ExecutionId;
  readonly token: string;
  readonly from: number;
  readonly next: number;
  /** It is the last one. */
  readonly end: boolean;
  readonly chunks: Uint8Array;
}

/** Sends one part. `refused`: it will never be taken. Rejects when it may be tried again. */
export type PutPart = (part: LogPart) => Promise<'stored' | 'refused'>;

/** While a task runs its log is stored slowly: the machine is the task's. */
const LIVE_EVERY_MS = 1_000;
const LIVE_PART_BYTES = 1024 * 1024;
/**
 * Output that does not fill a part is stored this long after the last part at the latest; of a log that is old, after this
 * share of its age. A service that prints a little for a year makes 40,000 parts so, not two million.
 */
const LIVE_PATIENCE_MS = 15_000;
const MAX_LIVE_PATIENCE_MS = 15 * 60_000;
const PATIENCE_OF_AGE = 1 / 100;
/**
 * While a task prints, finished logs are stored for one part of the time in this many. Storing takes a share of the machine
 * that the task, and whoever reads along, would feel.
 */
const SHARE = 5;
/** A task is taken to print as long as its log grew within this time. */
const PRINTS_MS = 2_000;
const IDLE_POLL_MS = 20;
const RETRY_MS = 2_000;
const MAX_RETRY_MS = 60_000;

interface Item {
  readonly spool: Spool;
  storedAt: number;
  /** Its length when it was last looked at, and when it was last found longer. */
  size: number;
  grewAt: number;
  /** Not tried before, after a failure, and how long it waits after the next one. */
  retryAt: number;
  retryMs: number;
}

interface StorerPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly putPart: PutPart;
}

/** Stores logs away in parts, one part at a time: finished ones at once, growing ones as they go. */
export class Storer {
  readonly #ports: StorerPorts;
  readonly #onComplete: (executionId: ExecutionId) => void;
  readonly #items = new Map<ExecutionId, Item>();
  /** One part is sent at a time. */
  readonly #buffer = Buffer.allocUnsafeSlow(MAX_LOG_PART_BYTES);
  #connected = false;
  #stopped = false;
  #working = false;
  /** Something changed while a round was under way, which may not have seen it. */
  #again = false;
  #cancelTimer: Cancel | null = null;

  constructor(ports: StorerPorts, onComplete: (executionId: ExecutionId) => void) {
    this.#ports = ports;
    this.#onComplete = onComplete;
  }

  add(executionId: ExecutionId, spool: Spool): void {
    if (spool.token === null) return;
    const now = this.#ports.clock.monotonic();
    this.#items.set(executionId, {
      spool,
      storedAt: now,
      size: spool.size,
      grewAt: now,
      retryAt: 0,
      retryMs: RETRY_MS,
    });
    if (spool.finished) this.#work();
    else this.#wait(LIVE_EVERY_MS);
  }

  finished(executionId: ExecutionId): void {
    if (this.#items.has(executionId)) this.#work();
  }

  remove(executionId: ExecutionId): void {
    this.#items.delete(executionId);
  }

  setConnected(connected: boolean): void {
    this.#connected = connected;
    if (!connected) return;
    for (const item of this.#items.values()) Object.assign(item, { retryAt: 0, retryMs: RETRY_MS });
    this.#work();
  }

  /** Resolves when no finished log is left, or the time is over. */
  async idle(withinMs: number): Promise<void> {
    const { clock } = this.#ports;
    const until = clock.monotonic() + withinMs;
    while (this.#connected && clock.monotonic() < until) {
      if (![...this.#items.values()].some(({ spool }) => spool.finished)) return;
      await pause(clock, IDLE_POLL_MS);
    }
  }

  /** Begins no other part. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  #work(): void {
    this.#again = this.#working;
    if (this.#working || this.#stopped) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#working = true;
    void this.#round().then((delayMs) => {
      this.#working = false;
      if (this.#again) this.#work();
      else if (delayMs !== null) this.#wait(delayMs);
    });
  }

  #wait(delayMs: number): void {
    if (this.#cancelTimer !== null || this.#working || this.#stopped) return;
    this.#cancelTimer = this.#ports.clock.after(delayMs, () => {
      this.#cancelTimer = null;
      this.#work();
    });
  }

  /** One part of each log, again and again while finished ones are left. @returns when to look again */
  async #round(): Promise<number | null> {
    const { clock } = this.#ports;
    while (this.#isActive) {
      let more = false;
      const startedAt = clock.monotonic();
      for (const [executionId, item] of this.#items) {
        if (item.retryAt > clock.monotonic()) continue;
        more = (await this.#tryStore(executionId, item)) || more;
        if (!this.#isActive) return null;
      }
      if (!more) break;
      if (this.#isPrinting()) return (clock.monotonic() - startedAt) * (SHARE - 1);
    }
    return this.#items.size > 0 && this.#connected ? LIVE_EVERY_MS : null;
  }

  /** One that fails waits for a while; the others go on. */
  async #tryStore(executionId: ExecutionId, item: Item): Promise<boolean> {
    try {
      const more = await this.#store(executionId, item);
      item.retryMs = RETRY_MS;
      return more;
    } catch (error) {
      if (!this.#isActive || !this.#items.has(executionId)) return false;
      this.#ports.log.warn('log.unstored', { executionId, error: errorText(error) });
      item.retryAt = this.#ports.clock.monotonic() + item.retryMs;
      item.retryMs = Math.min(MAX_RETRY_MS, item.retryMs * 2);
      return false;
    }
  }

  get #isActive(): boolean {
    return this.#connected && !this.#stopped;
  }

  #isPrinting(): boolean {
    const now = this.#ports.clock.monotonic();
    let printing = false;
    for (const item of this.#items.values()) {
      if (item.spool.finished) continue;
      if (item.spool.size > item.size) item.grewAt = now;
      item.size = item.spool.size;
      printing ||= now - item.grewAt < PRINTS_MS;
    }
    return printing;
  }

  /** @returns whether there is more that need not wait */
  async #store(executionId: ExecutionId, item: Item): Promise<boolean> {
    const { spool } = item;
    const { clock, putPart } = this.#ports;
    const pending = spool.settled - spool.stored;
    const patient = clock.monotonic() - item.storedAt < livePatienceMs(clock.now() - (spool.firstAt ?? clock.now()));
    if (!spool.finished && (pending <= 0 || (pending < LIVE_PART_BYTES && patient))) return false;
    const wanted = spool.finished ? MAX_LOG_PART_BYTES : LIVE_PART_BYTES;
    const { chunks, next, end } = await spool.read(spool.stored, wanted, this.#buffer);
    if (spool.token === null) return false;
    const stored = await putPart({ executionId, token: spool.token, from: spool.stored, next, end, chunks });
    item.storedAt = clock.monotonic();
    if (stored === 'refused') {
      this.#items.delete(executionId);
      return false;
    }
    await spool.markStored(next, end);
    if (!end) return spool.finished;
    this.#items.delete(executionId);
    this.#onComplete(executionId);
    return false;
  }
}

/** @param ageMs of the log */
export function livePatienceMs(ageMs: number): number {
  return Math.min(MAX_LIVE_PATIENCE_MS, Math.max(LIVE_PATIENCE_MS, ageMs * PATIENCE_OF_AGE));
}
