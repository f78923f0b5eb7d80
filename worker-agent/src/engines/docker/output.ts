import { MAX_RUN_OUTPUT_BYTES } from '@shoal/schema/limits';
import { cutText } from '@shoal/schema/text';
import type { Heads } from '../engine.ts';

const HEADER_BYTES = 8;
const STDERR = 2;

interface Head {
  bytes: Buffer;
  /** There was more than is kept. */
  more: boolean;
}

export type Stream = 'stdout' | 'stderr';

/** The first bytes of each stream of a container, as they come from Docker's log. */
export class HeadReader {
  readonly #heads: Record<Stream, Head> = {
    stdout: { bytes: Buffer.alloc(0), more: false },
    stderr: { bytes: Buffer.alloc(0), more: false },
  };
  #header = Buffer.alloc(0);
  #stream: Stream = 'stdout';
  #left = 0;

  /** Takes a piece of Docker's multiplexed stream, cut anywhere: frames of 8 bytes of header and the payload. */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        rest = this.#readHeader(rest);
        continue;
      }
      const payload = rest.subarray(0, this.#left);
      this.#take(payload);
      this.#left -= payload.length;
      rest = rest.subarray(payload.length);
    }
  }

  /** Nothing more is needed of this stream. */
  isFull(stream: Stream): boolean {
    return this.#heads[stream].more;
  }

  /** The search for more was given up: say that there may be more. */
  giveUp(stream: Stream): void {
    this.#heads[stream].more = true;
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

  #readHeader(chunk: Buffer): Buffer {
    const wanted = HEADER_BYTES - this.#header.length;
    this.#header = Buffer.concat([this.#header, chunk.subarray(0, wanted)]);
    if (this.#header.length === HEADER_BYTES) {
      this.#stream = this.#header[0] === STDERR ? 'stderr' : 'stdout';
      this.#left = this.#header.readUInt32BE(4);
      this.#header = Buffer.alloc(0);
    }
    return chunk.subarray(wanted);
  }

  #take(payload: Buffer): void {
    const head = this.#heads[this.#stream];
    const room = MAX_RUN_OUTPUT_BYTES - head.bytes.length;
    if (room > 0) head.bytes = Buffer.concat([head.bytes, payload.subarray(0, room)]);
    if (payload.length > room) head.more = true;
  }
}

/** Well-formed text without NUL, cut before a character that was cut in two. */
function decode({ bytes, more }: Head): { text: string; truncated: boolean } {
  // `stream` holds back an unfinished character at the end, which is wanted only where the end was cut here.
  const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: more });
  const text = cutText(whole, MAX_RUN_OUTPUT_BYTES);
  return { text, truncated: more || text.length < whole.length };
}
