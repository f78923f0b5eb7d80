import { Buffer } from 'node:buffer';
import type { ExecutionId } from '@shoal/schema/ids';
import { LOG_HEADER_BYTES, readChunks, STDERR, wholeChunks } from '@shoal/schema/protocol/log-link';
import type { Output, OutputChunk } from '../engine.ts';
import type { DockerApi } from './api.ts';

/** How long the oldest line of a log is looked for, ms. */
const SEARCH_MS = 2_000;

/**
 * Splits Docker's multiplexed stream, cut anywhere, into its chunks, each as Docker wrote it: it frames them as Shoal's
 * logs do. What is cut off at the end is left out.
 */
export function demultiplex(source: AsyncIterable<Uint8Array>): Output {
  return {
    [Symbol.asyncIterator]: () => {
      const pieces = source[Symbol.asyncIterator]();
      const demultiplexer = new Demultiplexer();
      return {
        next: async () => {
          for (;;) {
            const piece = await pieces.next();
            if (piece.done === true) return { done: true, value: undefined };
            const chunks = demultiplexer.push(piece.value);
            if (chunks.length > 0) return { done: false, value: chunks };
          }
        },
        // Not a generator, whose `return` waits for the piece that is asked for: a reader that leaves ends that.
        return: async () => {
          await pieces.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

class Demultiplexer {
  #rest: Buffer = Buffer.alloc(0);

  push(piece: Uint8Array): OutputChunk[] {
    const data = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const all = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    const whole = wholeChunks(all);
    // The source's own buffer is filled again.
    this.#rest = Buffer.from(all.subarray(whole));
    return Array.from(readChunks(all.subarray(0, whole)), ({ stream, bytes }) => ({
      stream: stream === STDERR ? ('stderr' as const) : ('stdout' as const),
      bytes,
    }));
  }
}

/** When the oldest line was printed that Docker still has, epoch ms; null when there is none. */
export async function readKeptSince(api: DockerApi, executionId: ExecutionId): Promise<number | null> {
  let head = Buffer.alloc(0);
  for await (const chunk of await api.logs(executionId, { timestamps: true }, AbortSignal.timeout(SEARCH_MS))) {
    head = Buffer.concat([head, Buffer.from(chunk)]);
    const time = /^\d\S+(?= )/.exec(head.toString('latin1', LOG_HEADER_BYTES));
    if (time !== null) return Date.parse(time[0]);
  }
  return null;
}
