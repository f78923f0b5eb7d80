import { open, readFile, rename, rm, truncate, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ExecutionId } from '@shoal/schema/ids';
import type { Journal } from './journal.ts';
import { Ledger, type Entry } from './ledger.ts';
import { JournalRecord } from './records.ts';

interface Waiting {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The file is rewritten when it has grown past this and past twice its size after the last rewriting. */
const COMPACT_BYTES = 8 * 1024 * 1024;

/**
 * A file of JSON lines, one record each. Records that arrive while a write is under way share the next write and its
 * fsync. A crash can only tear what was not yet durable, at the end of the file; that end is cut off at the next start.
 */
export class FileJournal implements Journal {
  readonly #path: string;
  readonly #ledger: Ledger;
  readonly #now: () => number;
  #file: FileHandle;
  #bytes = 0;
  #compactAbove = COMPACT_BYTES;
  #queue: Waiting[] = [];
  #writing: Promise<void> | null = null;

  private constructor(path: string, ledger: Ledger, file: FileHandle, now: () => number) {
    this.#path = path;
    this.#ledger = ledger;
    this.#file = file;
    this.#now = now;
  }

  /**
   * Reads the journal and rewrites it without what is over.
   * @param skipped hears of lines that could not be read, other than a torn last one
   * @throws when the file cannot be read or written
   */
  static async open(path: string, now: () => number, skipped: (lines: number) => void): Promise<FileJournal> {
    const ledger = new Ledger();
    const lost = replay(ledger, await readIfThere(path));
    if (lost > 0) skipped(lost);
    // Opened for a moment only: compaction puts a fresh file in its place.
    const journal = new FileJournal(path, ledger, await open(path, 'a', 0o600), now);
    await journal.#compact();
    return journal;
  }

  get entries(): ReadonlyMap<ExecutionId, Entry> {
    return this.#ledger.entries;
  }

  append(record: JournalRecord): Promise<void> {
    this.#ledger.apply(record);
    return new Promise((resolve, reject) => {
      this.#queue.push({ line: `${JSON.stringify(record)}\n`, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Waits for what was appended and closes the file. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #writeAll(): Promise<void> {
    // One turn of the event loop later, so that records of the same moment share an fsync.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      await this.#writeBatch(batch);
    }
    this.#writing = null;
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const data = Buffer.from(batch.map((one) => one.line).join(''), 'utf8');
      await this.#file.appendFile(data);
      await this.#file.datasync();
      this.#bytes += data.length;
    } catch (error) {
      await this.#cutBack();
      for (const one of batch) one.reject(error);
      return;
    }
    for (const one of batch) one.resolve();
    if (this.#bytes > this.#compactAbove) await this.#compact().catch(() => {});
  }

  /** Half a batch that a full disk let through would make the next record unreadable. */
  async #cutBack(): Promise<void> {
    await truncate(this.#path, this.#bytes).catch(() => {});
  }

  /** Writes the entries to a new file and puts it in place of the old one; a crash leaves either of them whole. */
  async #compact(): Promise<void> {
    this.#ledger.prune(this.#now());
    const next = `${this.#path}.next`;
    await rm(next, { force: true });
    const file = await open(next, 'ax', 0o600);
    let bytes = 0;
    try {
      for (const chunk of chunks(this.#ledger)) {
        await file.appendFile(chunk);
        bytes += Buffer.byteLength(chunk);
      }
      await file.datasync();
      await rename(next, this.#path);
    } catch (error) {
      await file.close();
      // Not before the file has doubled again: a disk that is full stays full for a while.
      this.#compactAbove = this.#bytes * 2;
      throw error;
    }
    await this.#file.close();
    this.#file = file;
    this.#bytes = bytes;
    this.#compactAbove = Math.max(COMPACT_BYTES, bytes * 2);
    // Without it a loss of power may bring the old file back, and with it forget what is appended from here on.
    await syncDirectory(dirname(this.#path));
  }
}

function* chunks(ledger: Ledger): Generator<string> {
  let text = '';
  for (const record of ledger.records()) {
    text += `${JSON.stringify(record)}\n`;
    if (text.length < 1024 * 1024) continue;
    yield text;
    text = '';
  }
  yield text;
}

/** @returns how many lines were not readable, without the last one when it has no end */
function replay(ledger: Ledger, text: string): number {
  const lines = text.split('\n');
  lines.pop();
  let lost = 0;
  for (const line of lines) {
    const record = readLine(line);
    if (record === null) lost += 1;
    else ledger.apply(record);
  }
  return lost;
}

function readLine(line: string): JournalRecord | null {
  try {
    return JournalRecord.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
