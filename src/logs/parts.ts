import type { R2Bucket } from '@cloudflare/workers-types';
import type { ExecutionId } from '../../schema/ids.ts';
import type { Part } from './part.ts';
import type { Total } from './stored-total.ts';
import { wholeChunks, type LogPiece } from '../../schema/protocol/log-link.ts';

/** What was read of a log, wherever it was. */
export type Piece = Omit<LogPiece, 'id'>;

interface Stored extends Part {
  readonly key: string;
  readonly bytes: number;
}

const DIGITS = 15;
const NAME = /^(\d{15})-(\d{15})(-end)?$/;

/**
 * The parts of one execution's log in the bucket. All that is known of a part stands in its name, so listing them is
 * enough. Parts may overlap: an agent that was killed stores again what it does not know to be stored.
 */
export class LogParts {
  readonly executionId: ExecutionId;
  readonly #bucket: R2Bucket;
  readonly #prefix: string;
  #parts: Stored[] = [];

  constructor(bucket: R2Bucket, executionId: ExecutionId) {
    this.executionId = executionId;
    this.#bucket = bucket;
    this.#prefix = `log/${executionId}/`;
  }

  async put({ from, next, end }: Part, chunks: ArrayBuffer): Promise<void> {
    const pad = (offset: number): string => String(offset).padStart(DIGITS, '0');
    await this.#bucket.put(`${this.#prefix}${pad(from)}-${pad(next)}${end ? '-end' : ''}`, chunks);
  }

  /** Whether there is any output: of a task that printed nothing the end alone is stored. */
  async haveOutput(): Promise<boolean> {
    const { objects } = await this.#bucket.list({ prefix: this.#prefix, limit: 1 });
    return objects.some(({ size }) => size > 0);
  }

  /** Looks again which parts there are. */
  async refresh(): Promise<void> {
    const parts: Stored[] = [];
    let cursor: string | undefined;
    do {
      const listed = await this.#bucket.list({ prefix: this.#prefix, ...(cursor !== undefined && { cursor }) });
      for (const { key, size } of listed.objects) {
        const [, from, next, end] = NAME.exec(key.slice(this.#prefix.length)) ?? [];
        if (from === undefined || next === undefined) continue;
        parts.push({ key, bytes: size, from: Number(from), next: Number(next), end: end !== undefined });
      }
      cursor = listed.truncated ? listed.cursor : undefined;
    } while (cursor !== undefined);
    this.#parts = parts;
  }

  /** The offset at which the log ends, when all of it is here. */
  get end(): number | null {
    return this.#parts.find((part) => part.end)?.next ?? null;
  }

  /** How many there are, and their bytes. */
  get total(): Total {
    return { parts: this.#parts.length, bytes: this.#parts.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** Chunks from an offset; null when no part that is known has them. @throws when what is stored is no log */
  async read(from: number, maxBytes: number): Promise<Piece | null> {
    if (from === this.end) return { chunks: new Uint8Array(0), next: from, end: true };
    const part = this.#parts.find((one) => one.from <= from && from < one.next);
    if (part === undefined) return null;
    // A part that says what is missing is shorter than the gap it stands for, and is read as a whole.
    const isWhole = part.next - part.from === part.bytes;
    const offset = isWhole ? from - part.from : 0;
    const length = isWhole ? Math.min(maxBytes, part.next - from) : part.bytes;
    const object = await this.#bucket.get(part.key, { range: { offset, length } });
    if (object === null) return null;
    const data = new Uint8Array(await object.arrayBuffer());
    const whole = wholeChunks(data);
    if (whole === 0) throw new Error(`the log cannot be read at offset ${from}`);
    const next = isWhole ? from + whole : part.next;
    return { chunks: data.subarray(0, whole), next, end: part.end && next === part.next };
  }
}
