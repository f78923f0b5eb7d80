import { z } from 'zod';
import { MAX_LOG_CHUNK_BYTES } from '../limits.ts';

/**
 * The link between an agent and the viewers of one execution's log: a WebSocket of its own, dialled by the agent on
 * `openLog`. The far end asks for the log by offset, the agent answers with whole chunks; what is asked for at the end of
 * a log that still grows is answered when there is more.
 *
 * A log is a sequence of chunks, each a header of eight bytes (stream; 1 for a note of Shoal's own, 0 for output; two zeros;
 * length as 32 bits, big end first) and that many bytes. An offset counts bytes of this sequence and is always a chunk's
 * beginning.
 */
export const LogPull = z.object({
  type: z.literal('pull'),
  /** Chosen by the asker, 32 bits; the answer repeats it. */
  id: z.int().nonnegative(),
  /** Null asks where the log ends at present. */
  from: z.int().nonnegative().nullable(),
  /** Whether the answer waits for more where the log ends, but may go on. */
  wait: z.boolean(),
  maxBytes: z.int().positive(),
});
export type LogPull = z.infer<typeof LogPull>;

export const LOG_HEADER_BYTES = 8;
export const STDOUT = 1;
export const STDERR = 2;

/** Where agents dial in for one execution's log, and where they put its parts. */
export function executionLogPath(executionId: string): string {
  return `${EXECUTIONS_PATH}/${executionId}/log`;
}

/** Paths below it are proved by an execution's own token. */
export const EXECUTIONS_PATH = '/api/v1/compute/executions';

/** The agent has no such log: it was never here, or was dropped. */
export const NO_LOG_CODE = 4404;

export interface LogPiece {
  readonly id: number;
  /** The offset after the chunks. May be beyond their length: then something is missing, and a chunk says so. */
  readonly next: number;
  /** Nothing will follow. */
  readonly end: boolean;
  readonly chunks: Uint8Array;
}

const ID_AT = 0;
const END_AT = 4;
const NEXT_AT = 5;
export const PIECE_HEADER_BYTES = 13;

/**
 * A piece as one binary frame.
 * @param buffer where the frame is made, with room for `PIECE_HEADER_BYTES` and the chunks; these may lie there already
 */
export function encodePiece({ id, next, end, chunks }: LogPiece, buffer: Uint8Array): Uint8Array {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  view.setUint32(ID_AT, id);
  view.setUint8(END_AT, end ? 1 : 0);
  view.setBigUint64(NEXT_AT, BigInt(next));
  buffer.set(chunks, PIECE_HEADER_BYTES);
  return buffer.subarray(0, PIECE_HEADER_BYTES + chunks.length);
}

/** Null for what is no piece. */
export function decodePiece(data: unknown): LogPiece | null {
  if (!(data instanceof ArrayBuffer) || data.byteLength < PIECE_HEADER_BYTES) return null;
  const view = new DataView(data);
  return {
    id: view.getUint32(ID_AT),
    end: view.getUint8(END_AT) === 1,
    next: Number(view.getBigUint64(NEXT_AT)),
    chunks: new Uint8Array(data, PIECE_HEADER_BYTES),
  };
}

/** One piece of output. */
export interface LogChunk {
  readonly stream: number;
  readonly bytes: Uint8Array;
  /** Not printed by the task: it says what is missing here. */
  readonly isNote?: boolean;
}

const NOTE_AT = 1;
const LENGTH_AT = 4;

/** Where the chunk ends whose header is at `at`; null when the data ends within the header. */
export function endOfChunk(view: DataView, at: number): number | null {
  const start = at + LOG_HEADER_BYTES;
  return start > view.byteLength ? null : start + view.getUint32(at + LENGTH_AT);
}

/** Splits whole chunks; what is cut off at the end is left out. */
export function* readChunks(data: Uint8Array): Generator<LogChunk> {
  const view = viewOf(data);
  for (let at = 0; ;) {
    const end = endOfChunk(view, at);
    if (end === null || end > data.length) return;
    const bytes = data.subarray(at + LOG_HEADER_BYTES, end);
    yield { stream: data[at] ?? 0, bytes, isNote: data[at + NOTE_AT] === 1 };
    at = end;
  }
}

/** One chunk with its header. */
export function encodeChunk({ stream, bytes, isNote = false }: LogChunk): Uint8Array {
  const chunk = new Uint8Array(LOG_HEADER_BYTES + bytes.length);
  chunk[0] = stream;
  chunk[NOTE_AT] = isNote ? 1 : 0;
  new DataView(chunk.buffer).setUint32(LENGTH_AT, bytes.length);
  chunk.set(bytes, LOG_HEADER_BYTES);
  return chunk;
}

/** Whether `data` is chunks that an agent may write: whole ones, none longer than a reader asks for at once. */
export function isChunks(data: Uint8Array): boolean {
  return wholeChunks(data, LOG_HEADER_BYTES + MAX_LOG_CHUNK_BYTES) === data.length;
}

/** How much of `data`, which begins with a chunk, is whole chunks, up to the first of more than `most` bytes. */
export function wholeChunks(data: Uint8Array, most = Infinity): number {
  const view = viewOf(data);
  for (let at = 0; ;) {
    const end = endOfChunk(view, at);
    if (end === null || end > data.length || end - at > most) return at;
    at = end;
  }
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}
