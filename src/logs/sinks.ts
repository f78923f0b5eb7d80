import { encodeChunk, readChunks, wholeChunks } from '../../schema/protocol/log-link.ts';
import { errorFrame, FrameWriter } from './frames.ts';
import type { Pace } from './pace.ts';
import { closeFrame, textFrames } from './raw-websocket.ts';

/** How long a reader has to take the reason why his log ends early. */
const LAST_WORD_MS = 5_000;
const DONE = 1000;

/** Where one reader's log goes. Nothing here rejects: of a reader that has gone his connection tells. */
export interface Sink {
  /** Takes whole chunks. Resolves when there is room for more. */
  write(chunks: Uint8Array): Promise<void>;
  /** Nothing follows. An error is told in place of further output; not null means that the log ends early. */
  end(error: string | null): Promise<void>;
}

/** Frames of a WebSocket that is held here: nobody tells what its reader has taken, so time has to do. */
export class SocketSink implements Sink {
  readonly #socket: WebSocket;
  readonly #pace: Pace;
  readonly #frames = new FrameWriter();
  #ended = false;

  constructor(socket: WebSocket, pace: Pace) {
    this.#socket = socket;
    this.#pace = pace;
  }

  async write(chunks: Uint8Array): Promise<void> {
    this.#send(this.#frames.write(chunks));
    const waitMs = this.#pace.sent(chunks.length, Date.now());
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }

  async end(error: string | null): Promise<void> {
    this.#send(this.#frames.end());
    if (error !== null) this.#send([errorFrame(error)]);
    this.#ended = true;
    try {
      this.#socket.close(DONE);
    } catch {
      // The reader was faster.
    }
  }

  #send(frames: Iterable<string>): void {
    if (this.#ended) return;
    try {
      for (const frame of frames) this.#socket.send(frame);
    } catch {
      // The reader has gone; its close says so.
    }
  }
}

/** Makes the bytes that a reader gets of a log. */
export interface Format {
  write(chunks: Uint8Array): Uint8Array;
  /** What is left at the end, and the error in this format. */
  end(error: string | null): Uint8Array;
}

/** Frames of a WebSocket, as bytes of its connection. */
export function frameFormat(): Format {
  const frames = new FrameWriter();
  return {
    write: (chunks) => textFrames(frames.write(chunks)),
    end(error) {
      const last = textFrames([...frames.end(), ...(error === null ? [] : [errorFrame(error)])]);
      return new Uint8Array([...last, ...closeFrame(DONE)]);
    },
  };
}

/** What the task printed, byte by byte, of one stream or of both. @param stream null: both */
export function textFormat(stream: number | null): Format {
  let isLineOpen = false;
  return {
    write(chunks) {
      const kept = [...readChunks(chunks)].filter((one) => stream === null || one.stream === stream);
      const text = new Uint8Array(kept.reduce((sum, { bytes }) => sum + bytes.length, 0));
      let at = 0;
      for (const { bytes } of kept) {
        text.set(bytes, at);
        at += bytes.length;
      }
      if (at > 0) isLineOpen = text[at - 1] !== NEWLINE;
      return text;
    },
    end: (error) =>
      new TextEncoder().encode(error === null ? '' : `${isLineOpen ? '\n' : ''}[shoal] the log ends here: ${error}\n`),
  };
}
const NEWLINE = 10;

/** Chunks as they are; an error is a chunk of a stream that no task has. */
export function chunkFormat(): Format {
  return {
    write: (chunks) => chunks,
    end: (error) =>
      error === null
        ? new Uint8Array(0)
        : encodeChunk({ stream: ERROR_STREAM, bytes: new TextEncoder().encode(error.slice(0, MAX_ERROR_CHARS)) }),
  };
}
const ERROR_STREAM = 255;
const MAX_ERROR_CHARS = 4096;

/** Whole chunks out of a stream of `chunkFormat`. @throws Error that the stream ends with */
export async function* readChunkStream(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0);
  for (;;) {
    const { value: bytes, done } = await reader.read();
    if (done) return;
    const data = new Uint8Array(rest.length + bytes.length);
    data.set(rest);
    data.set(bytes, rest.length);
    const whole = wholeChunks(data);
    const chunks = data.subarray(0, whole);
    rest = data.slice(whole);
    const error = [...readChunks(chunks)].find((one) => one.stream === ERROR_STREAM);
    if (error !== undefined) throw new Error(new TextDecoder().decode(error.bytes));
    if (whole > 0) yield chunks;
  }
}

/** A stream whose reader says by reading how fast he is. */
export class StreamSink implements Sink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #format: Format;
  readonly #isCut: boolean;
  #ended = false;

  /** @param isCut a log that ends early ends in a broken stream, so that its reader does not take it for whole */
  constructor(
    writable: WritableStream<Uint8Array>,
    format: Format,
    { isCut, onGone = () => {} }: { isCut: boolean; onGone?: () => void },
  ) {
    this.#writer = writable.getWriter();
    this.#format = format;
    this.#isCut = isCut;
    this.#writer.closed.catch(onGone);
  }

  async write(chunks: Uint8Array): Promise<void> {
    if (this.#ended) return;
    await this.#put(this.#format.write(chunks));
  }

  async end(error: string | null): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const last = this.#put(this.#format.end(error));
    if (error === null) {
      await last;
      await this.#writer.close().catch(() => {});
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LAST_WORD_MS);
    });
    const isTaken = await Promise.race([last.then(() => true), late.then(() => false)]);
    if (timer !== undefined) clearTimeout(timer);
    const over = isTaken && !this.#isCut ? this.#writer.close() : this.#writer.abort(new Error(error));
    await over.catch(() => {});
  }

  async #put(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    try {
      await this.#writer.write(bytes);
    } catch {
      // The reader has gone; his connection says so.
    }
  }
}
