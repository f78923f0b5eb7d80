import { Buffer } from 'node:buffer';
import type { Output, OutputChunk } from '../engines/engine.ts';
import { pause, type Clock } from '../ports.ts';

/**
 * How long a source is held back at a time. Docker hands out what is left of an ended container's output within two seconds,
 * and throws away what nobody has taken by then, for its own log too: about a pipe's 64 KiB. So a source that has to wait is
 * slowed down to a piece each time, and not stopped.
 */
export const HOLD_MS = 200;
/** What may wait in memory. */
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;

type Chunks = readonly OutputChunk[];

/** Output that is not wanted yet: it is held back until the first of it is asked for. */
export class HeldBack implements AsyncIterator<Chunks, void> {
  readonly #source: AsyncIterator<Chunks>;
  readonly #wanted = new AbortController();
  readonly #waiting: Chunks[] = [];
  readonly #reading: Promise<void>;
  #isOver = false;
  #error: unknown = null;

  constructor(output: Output, clock: Clock) {
    this.#source = output[Symbol.asyncIterator]();
    this.#reading = this.#readSlowly(clock).catch((error: unknown) => {
      this.#isOver = true;
      this.#error = error;
    });
  }

  async next(): Promise<IteratorResult<Chunks, void>> {
    this.#wanted.abort();
    if (this.#waiting.length === 0) await this.#reading;
    const chunks = this.#waiting.shift();
    if (chunks !== undefined) return { done: false, value: chunks };
    if (this.#error !== null) throw this.#error;
    if (this.#isOver) return { done: true, value: undefined };
    const next = await this.#source.next();
    return next.done === true ? { done: true, value: undefined } : next;
  }

  async return(): Promise<IteratorResult<Chunks, void>> {
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
      // The source's own buffer is filled again.
      const own = next.value.map((chunk) => ({ stream: chunk.stream, bytes: Buffer.from(chunk.bytes) }));
      bytes += own.reduce((sum, chunk) => sum + chunk.bytes.length, 0);
      this.#waiting.push(own);
      await pause(clock, HOLD_MS, this.#wanted.signal);
    }
  }
}
