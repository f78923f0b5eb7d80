import { Buffer } from 'node:buffer';
import { pause, type Clock } from '../ports.ts';
import { HOLD_MS, MAX_WAITING_BYTES } from './held-back.ts';

/** What may wait for the disk before the source is held back. */
const MAX_BATCH_BYTES = 256 * 1024;
/** Gathers what comes while a write is under way into the next one; holds its source back when that is too much. */
export class BatchWriter {
  readonly #clock: Clock;
  readonly #write: (chunks: Buffer) => Promise<void>;
  /** What is written lies here: buffers of their own would pile up until the next garbage collection. */
  readonly #batch = Buffer.allocUnsafeSlow(MAX_BATCH_BYTES);
  #waiting: Buffer[] = [];
  #bytes = 0;
  #writing: Promise<void> | null = null;

  constructor(clock: Clock, write: (chunks: Buffer) => Promise<void>) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Resolves when more may come; the buffer is the caller's again as soon as this returns. */
  async add(chunks: Buffer): Promise<void> {
    if (this.#writing === null && chunks.length <= MAX_BATCH_BYTES) {
      chunks.copy(this.#batch);
      this.#writing = this.#writeAll(this.#batch.subarray(0, chunks.length));
      return;
    }
    const own = Buffer.from(chunks);
    this.#waiting.push(own);
    this.#bytes += own.length;
    this.#writing ??= this.#writeAll(this.#gather());
    if (this.#bytes > MAX_WAITING_BYTES) await this.#writing;
    else if (this.#bytes > MAX_BATCH_BYTES) await this.#holdBack(this.#writing);
  }

  /** Resolves when all is written. */
  async done(): Promise<void> {
    await this.#writing;
  }

  async #holdBack(writing: Promise<void>): Promise<void> {
    const written = new AbortController();
    const release = (): void => written.abort();
    writing.then(release, release);
    await pause(this.#clock, HOLD_MS, written.signal);
  }

  async #writeAll(first: Buffer): Promise<void> {
    await this.#write(first);
    while (this.#waiting.length > 0) await this.#write(this.#gather());
    this.#writing = null;
  }

  /** Takes from what waits, in order, what fits into a batch; at least the first piece. */
  #gather(): Buffer {
    let bytes = 0;
    let taken = 0;
    for (const piece of this.#waiting) {
      if (bytes + piece.length > MAX_BATCH_BYTES) break;
      piece.copy(this.#batch, bytes);
      bytes += piece.length;
      taken += 1;
    }
    const [first] = this.#waiting.splice(0, Math.max(1, taken));
    const batch = taken === 0 && first !== undefined ? first : this.#batch.subarray(0, bytes);
    this.#bytes -= batch.length;
    return batch;
  }
}
