import { Buffer } from 'node:buffer';
import { MAX_LOG_CHUNK_BYTES } from '@shoal/schema/limits';
import { LOG_HEADER_BYTES, STDERR, STDOUT } from '@shoal/schema/protocol/log-link';
import type { OutputChunk } from '../engines/engine.ts';
import type { Counts } from './segments.ts';

const FIRST_BYTES = 64 * 1024;

/** Turns output into the chunks of a log, and splits what is too long for one of them. */
export class Chunker {
  /** Filled again and again: buffers of their own would pile up until the next garbage collection. */
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);

  /** @returns whole chunks, valid until the next call */
  push(output: readonly OutputChunk[]): Buffer {
    const bytes = output.reduce((sum, chunk) => sum + encodedBytes(chunk.bytes.length), 0);
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const { stream, bytes: data } of output) {
      for (let from = 0; from < data.length; from += MAX_LOG_CHUNK_BYTES) {
        const part = data.subarray(from, from + MAX_LOG_CHUNK_BYTES);
        // The first four bytes: the stream, no note, two zeros.
        this.#buffer.writeUInt32LE(stream === 'stderr' ? STDERR : STDOUT, at);
        this.#buffer.writeUInt32BE(part.length, at + 4);
        this.#buffer.set(part, at + LOG_HEADER_BYTES);
        at += LOG_HEADER_BYTES + part.length;
      }
    }
    return this.#buffer.subarray(0, at);
  }
}

function encodedBytes(bytes: number): number {
  return bytes + Math.ceil(bytes / MAX_LOG_CHUNK_BYTES) * LOG_HEADER_BYTES;
}

/** Leaves out what is known of each stream already. */
export class Skipper {
  readonly #left: { stdout: number; stderr: number };

  /** @param known how many bytes of each stream to leave out */
  constructor(known: Counts) {
    this.#left = { ...known };
  }

  push(output: readonly OutputChunk[]): readonly OutputChunk[] {
    if (this.#left.stdout === 0 && this.#left.stderr === 0) return output;
    return output.flatMap(({ stream, bytes }) => {
      const skipped = Math.min(this.#left[stream], bytes.length);
      this.#left[stream] -= skipped;
      return skipped === bytes.length ? [] : [{ stream, bytes: bytes.subarray(skipped) }];
    });
  }
}
