import { Buffer } from 'node:buffer';
import { MAX_RUN_OUTPUT_BYTES } from '@shoal/schema/limits';
import { cutText } from '@shoal/schema/text';
import type { OutputChunk, Stream } from '../engines/engine.ts';

/** The head of each stream, at most MAX_RUN_OUTPUT_BYTES of UTF-8 after cleaning. */
export interface Heads {
  readonly stdout: string;
  readonly stdoutTruncated: boolean;
  readonly stderr: string;
  readonly stderrTruncated: boolean;
}

interface Head {
  bytes: Buffer;
  /** There was more than is kept. */
  more: boolean;
}

/** The first bytes of each stream of a container. */
export class HeadReader {
  readonly #heads: Record<Stream, Head> = {
    stdout: { bytes: Buffer.alloc(0), more: false },
    stderr: { bytes: Buffer.alloc(0), more: false },
  };

  push({ stream, bytes }: OutputChunk): void {
    const head = this.#heads[stream];
    if (head.more) return;
    const room = MAX_RUN_OUTPUT_BYTES - head.bytes.length;
    if (room > 0) head.bytes = Buffer.concat([head.bytes, bytes.subarray(0, room)]);
    if (bytes.length > room) head.more = true;
  }

  heads(): Heads {
    const stdout = decode(this.#heads.stdout);
    const stderr = decode(this.#heads.stderr);
    return {
      stdout: stdout.text,
      stdoutTruncated: stdout.truncated,
      stderr: stderr.text,
      stderrTruncated: stderr.truncated,
    };
  }
}

/** Well-formed text without NUL, cut before a character that was cut in two. */
function decode({ bytes, more }: Head): { text: string; truncated: boolean } {
  // `stream` holds back an unfinished character at the end, which is wanted only where the end was cut here.
  const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: more });
  const text = cutText(whole, MAX_RUN_OUTPUT_BYTES);
  return { text, truncated: more || text.length < whole.length };
}
