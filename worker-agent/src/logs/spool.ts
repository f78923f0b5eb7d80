import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_LOG_BYTES } from '@shoal/schema/limits';
import { encodeChunk, readChunks, STDERR, wholeChunks } from '@shoal/schema/protocol/log-link';
import { z } from 'zod';
import { HeadReader, type Heads } from './heads.ts';
import {
  add,
  countOutput,
  dropSegment,
  makeSegment,
  openSegments,
  readAt,
  type Counts,
  type Found,
  type Segment,
} from './segments.ts';

/** What is known of a log beside its chunks. */
const State = z.object({
  finished: z.boolean(),
  /** The offset up to which it is stored away. */
  stored: z.number(),
  /** All of it is stored, and that is known there. */
  complete: z.boolean(),
  /** The execution's token, to store the log also after a restart. */
  token: z.string().nullable().default(null),
  /** When the first chunk came, epoch ms. */
  firstAt: z.number().nullable().default(null),
});
type State = z.infer<typeof State>;

/** What was read of a log. */
export interface Read {
  readonly chunks: Uint8Array;
  readonly next: number;
  readonly end: boolean;
}

const TAIL_SEGMENTS = 16;

/**
 * One execution's log on this machine: written as it happens, read by offset while it grows and afterwards. Of a log that
 * is too long the first and the last half are kept; offsets go on as if all of it were, and a reader is told what is
 * missing. Survives a kill of the process; the last chunks may not survive a loss of power.
 */
export class Spool {
  readonly #folder: string;
  /** What of the beginning is kept whatever comes, and of the end. */
  readonly #half: number;
  readonly #segmentLimit: number;
  #segments: Segment[];
  #counts: Counts;
  #writtenAt: number | null;
  #state: State;
  readonly #head: HeadReader;
  /** Output that could not be written since the last chunk that could, in bytes. */
  #lost = 0;
  #waiters = new Set<() => void>();
  #writing: Promise<void> = Promise.resolve();
  #saving: Promise<void> = Promise.resolve();
  #closed = false;
  #removed = false;

  private constructor(folder: string, found: Found & { state: State; head: HeadReader }, maxBytes: number) {
    this.#folder = folder;
    this.#segments = found.segments;
    this.#counts = found.counts;
    this.#writtenAt = found.writtenAt;
    this.#state = found.state;
    this.#head = found.head;
    this.#half = Math.floor(maxBytes / 2);
    this.#segmentLimit = Math.max(1, Math.floor(maxBytes / 2 / TAIL_SEGMENTS));
  }

  /** Opens what a former agent wrote, or an empty log. Nothing is on the disk before the first chunk. */
  static async open(folder: string, maxBytes: number = MAX_LOG_BYTES): Promise<Spool> {
    const head = new HeadReader();
    const found = await openSegments(folder, (chunks) => pushOutput(head, chunks));
    return new Spool(folder, { ...found, state: await readState(folder), head }, maxBytes);
  }

  /** The offset after its last chunk. */
  get size(): number {
    const last = this.#segments.at(-1);
    return last === undefined ? 0 : last.from + last.bytes;
  }

  /** What it takes on the disk. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** How much of the container's output has come here, kept or not. */
  get counts(): Counts {
    return this.#counts;
  }

  /** When its first and its last chunk came, epoch ms; null for an empty log. */
  get firstAt(): number | null {
    return this.#state.firstAt;
  }

  get writtenAt(): number | null {
    return this.#writtenAt;
  }

  get finished(): boolean {
    return this.#state.finished;
  }

  get stored(): number {
    return this.#state.stored;
  }

  get complete(): boolean {
    return this.#state.complete;
  }

  /** Up to here nothing will be dropped. */
  get settled(): number {
    if (this.finished) return this.size;
    const last = this.#segments.findLast((segment) => this.#isHead(segment));
    return last === undefined ? 0 : last.from + last.bytes;
  }

  get token(): string | null {
    return this.#state.token;
  }

  async setToken(token: string): Promise<void> {
    if (this.#state.token === token) return;
    this.#state.token = token;
    await this.#save();
  }

  heads(): Heads {
    return this.#head.heads();
  }

  /** Adds whole chunks. What the disk does not take is counted as lost; the log says so once it takes something again. */
  async append(chunks: Buffer): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#state.finished || this.#closed) return;
      pushOutput(this.#head, chunks);
      const before = this.#counts;
      this.#counts = add(before, countOutput(chunks));
      this.#writtenAt = Date.now();
      try {
        await this.#writeLoss(before);
        await this.#write(chunks, before, this.#counts);
      } catch {
        this.#lost += outputBytes(this.#counts) - outputBytes(before);
      }
    });
  }

  /** Adds words of Shoal's own between what the task printed. */
  async addNote(text: string): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#state.finished) await this.#write(note(text), this.#counts, this.#counts).catch(() => {});
    });
  }

  /** Nothing more will come. */
  async finish(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#state.finished) return;
      await this.#writeLoss(this.#counts).catch(() => {});
      this.#state.finished = true;
      await this.#save();
    });
  }

  async markStored(stored: number, complete: boolean): Promise<void> {
    this.#state = { ...this.#state, stored, complete };
    await this.#save();
  }

  /**
   * Whole chunks from an offset, at most `maxBytes`; empty at the end. Rejects when the log is closed.
   * @param buffer where to put them; else they get one of their own
   */
  async read(from: number, maxBytes: number, buffer?: Buffer): Promise<Read> {
    if (this.#closed) throw new Error('the log is closed');
    const at = this.#segments.findIndex((one) => from < one.from + one.bytes);
    const segment = this.#segments[at];
    if (segment === undefined) return { chunks: new Uint8Array(0), next: from, end: this.finished };
    if (from < segment.from) {
      return { chunks: note(`${this.#missing(at, from)}, the log is too long`), next: segment.from, end: false };
    }
    const wanted = Math.min(maxBytes, segment.from + segment.bytes - from);
    const data = await readAt(segment, from - segment.from, buffer?.subarray(0, wanted) ?? Buffer.allocUnsafe(wanted));
    const whole = wholeChunks(data);
    const next = from + whole;
    return { chunks: data.subarray(0, whole), next, end: this.finished && next >= this.size };
  }

  /** Resolves when the log is longer than that, or finished, or the signal aborts. */
  async longerThan(size: number, signal: AbortSignal): Promise<void> {
    while (this.size <= size && !this.finished && !this.#closed && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#waiters.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.#waiters.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await Promise.all(this.#segments.map(({ file }) => file.close()));
    this.#segments = [];
  }

  /** Removes it from the disk. */
  async remove(): Promise<void> {
    this.#removed = true;
    await this.close();
    await this.#saving;
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** What is gone between an offset and a segment. */
  #missing(at: number, from: number): string {
    const [segment, last] = [this.#segments[at], this.#segments[at - 1]];
    // Known to the byte for who has read all that is there of what was before.
    if (segment === undefined || last === undefined || from !== last.from + last.bytes) return 'output is missing here';
    const bytes = outputBytes(segment.before) - outputBytes(last.after);
    return `${bytes} bytes of output are missing here`;
  }

  async #inTurn(write: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(write);
    await this.#writing;
    this.#wake();
  }

  async #writeLoss(counts: Counts): Promise<void> {
    if (this.#lost === 0) return;
    await this.#write(note(`${this.#lost} bytes of output could not be written here`), counts, counts);
    this.#lost = 0;
  }

  /** @param before, after how much had come of the output, and has with these chunks, whether it could be written or not */
  async #write(chunks: Uint8Array, before: Counts, after: Counts): Promise<void> {
    const segment = await this.#segmentFor(chunks.length, before);
    try {
      await segment.file.write(chunks, 0, chunks.length, segment.bytes);
      segment.bytes += chunks.length;
      segment.after = after;
    } catch (error) {
      // Half a chunk would make all that follows unreadable.
      if (segment.bytes > 0) await segment.file.truncate(segment.bytes).catch(() => {});
      else await this.#drop(segment);
      throw error;
    }
  }

  async #segmentFor(bytes: number, before: Counts): Promise<Segment> {
    const last = this.#segments.at(-1);
    // What was lost is in no file: the name of the next one says how much there was.
    if (last !== undefined && this.#lost === 0 && this.#hasRoom(last, bytes)) return last;
    const made = await makeSegment(this.#folder, this.size, before);
    this.#segments.push(made);
    if (last === undefined) {
      this.#state.firstAt = this.#writtenAt;
      await this.#save();
    }
    for (const oldest of this.#segments.slice(0, -1).filter((segment) => !this.#isHead(segment))) {
      const kept = this.#segments.filter((segment) => segment !== made && !this.#isHead(segment));
      if (kept.reduce((sum, one) => sum + one.bytes, this.#segmentLimit) <= this.#half) break;
      await this.#drop(oldest);
    }
    return made;
  }

  #hasRoom({ from, bytes }: Segment, more: number): boolean {
    const end = from + bytes + more;
    return end <= this.#half || (from + bytes > this.#half && bytes + more <= this.#segmentLimit);
  }

  #isHead({ from, bytes }: Segment): boolean {
    return from + bytes <= this.#half;
  }

  async #drop(segment: Segment): Promise<void> {
    this.#segments = this.#segments.filter((one) => one !== segment);
    await dropSegment(segment);
  }

  #save(): Promise<void> {
    // One after the other: two that write one file may leave half of each.
    this.#saving = this.#saving.then(() => this.#saveNow());
    return this.#saving;
  }

  async #saveNow(): Promise<void> {
    if (this.#removed) return;
    const path = join(this.#folder, 'state.json');
    try {
      if (this.#segments.length === 0) await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(`${path}.next`, JSON.stringify(this.#state), { mode: 0o600 });
      await rename(`${path}.next`, path);
    } catch {
      // Without it the next agent reads the container's log again and stores it again: the same bytes at the same place.
    }
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const wake of waiters) wake();
  }
}

async function readState(folder: string): Promise<State> {
  try {
    return State.parse(JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')));
  } catch {
    return { finished: false, stored: 0, complete: false, token: null, firstAt: null };
  }
}

function pushOutput(head: HeadReader, chunks: Uint8Array): void {
  for (const { stream, bytes, isNote } of readChunks(chunks)) {
    if (isNote !== true) head.push({ stream: stream === STDERR ? 'stderr' : 'stdout', bytes });
  }
}

function outputBytes({ stdout, stderr }: Counts): number {
  return stdout + stderr;
}

function note(text: string): Uint8Array {
  return encodeChunk({ stream: STDERR, bytes: Buffer.from(`[shoal: ${text}]\n`, 'utf8'), isNote: true });
}
