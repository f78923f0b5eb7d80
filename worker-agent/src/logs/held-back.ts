import { Buffer } from 'node:buffer';
import { pause, type Clock } from '../ports.ts';

/**
 * How long a source is held back at a time. Docker hands out what is left of an ended container's output within two seconds,
 * and throws away what nobody has taken by then, for its own log too: about a pipe's 64 KiB. So a source that has to wait is
 * slowed down to a piece each time, and not stopped.
 */
export const HOLD_MS = 200;
/** What may wait in memory. */
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Output that is not wanted yet: it is held back until the first piece is asked for. */
export class HeldBack implements AsyncIterator<Uint8Array, void> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #wanted = new AbortController();
  readonly #pieces: Buffer[] = [];
  readonly #reading: Promise<void>;
  #isOver = false;
  #error: unknown = null;

  constructor(source: AsyncIterator<Uint8Array>, clock: Clock) {
    this.#source = source;
    this.#reading = this.#readSlowly(clock).catch((error: unknown) => {
      this.#isOver = true;
      this.#error = error;
    });
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    this.#wanted.abort();
    if (this.#pieces.length === 0) await this.#reading;
    const piece = this.#pieces.shift();
    if (piece !== undefined) return { done: false, value: piece };
    if (this.#error !== null) throw this.#error;
    if (this.#isOver) return { done: true, value: undefined };
    const next = await this.#source.next();
    return next.done === true ? { done: true, value: undefined } : next;
  }

  async return(): Promise<IteratorResult<Uint8Array, void>> {
    this.#wanted.abort();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  async #readSlowly(clock: Clock): Promise<void> {
    let bytes = 0;
    while (!this.#wanted.signal.aborted && bytes < MAX_WAITING_BYTES) {
      const next = await this.#source.next();
      if (next.done === true) {
        this.#isOver = true;
        return;
      }
      bytes += next.value.length;
      // The source's own buffer is filled again.
      this.#pieces.push(Buffer.from(next.value));
      await pause(clock, HOLD_MS, this.#wanted.signal);
    }
  }
}
