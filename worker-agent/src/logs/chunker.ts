import { Buffer } from 'node:buffer';
import { MAX_LOG_CHUNK_BYTES } from '@shoal/schema/limits';
import { encodeChunk, LOG_HEADER_BYTES, STDERR, wholeChunks } from '@shoal/schema/protocol/log-link';
import type { Counts } from './segments.ts';

/**
 * Turns Docker's multiplexed stream, cut anywhere, into whole chunks, which are framed the same way. Leaves out what is
 * known already, and splits what is too long for one chunk.
 */
export class Chunker {
  #rest: Buffer = Buffer.alloc(0);
  #skip: { stdout: number; stderr: number };

  /** @param known how much of each stream to leave out */
  constructor(known: Counts = { stdout: 0, stderr: 0 }) {
    this.#skip = { ...known };
  }

  push(data: Buffer): Buffer {
    const all = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    const whole = wholeChunks(all);
    this.#rest = Buffer.from(all.subarray(whole));
    const chunks = all.subarray(0, whole);
    const { stdout, stderr } = this.#skip;
    if (stdout === 0 && stderr === 0 && !hasLongChunk(chunks)) return chunks;
    return Buffer.concat([...this.#cut(chunks)]);
  }

  *#cut(chunks: Buffer): Generator<Uint8Array> {
    for (let at = 0; at < chunks.length;) {
      const stream = chunks[at] ?? 0;
      const name = stream === STDERR ? 'stderr' : 'stdout';
      const start = at + LOG_HEADER_BYTES;
      const end = start + chunks.readUInt32BE(at + 4);
      const skipped = Math.min(this.#skip[name], end - start);
      this.#skip[name] -= skipped;
      for (let from = start + skipped; from < end; from += MAX_LOG_CHUNK_BYTES) {
        yield encodeChunk({ stream, bytes: chunks.subarray(from, Math.min(end, from + MAX_LOG_CHUNK_BYTES)) });
      }
      at = end;
    }
  }
}

function hasLongChunk(chunks: Buffer): boolean {
  for (let at = 0; at < chunks.length;) {
    const length = chunks.readUInt32BE(at + 4);
    if (length > MAX_LOG_CHUNK_BYTES) return true;
    at += LOG_HEADER_BYTES + length;
  }
  return false;
}
