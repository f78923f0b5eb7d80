import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { LOG_HEADER_BYTES, STDERR } from '@shoal/schema/protocol/log-link';

/** How much of a container's output is in the log, per stream, without headers. */
export interface Counts {
  readonly stdout: number;
  readonly stderr: number;
}

/** A file of whole chunks; the log is their sequence. */
export interface Segment {
  readonly file: FileHandle;
  readonly path: string;
  /** Of its first byte in the log. */
  readonly from: number;
  /** What the log held of the output before it. */
  readonly before: Counts;
  bytes: number;
}

const NAME = /^(\d{15})-(\d{15})-(\d{15})\.log$/;
const DIGITS = 15;
const SCAN_BYTES = 1024 * 1024;

/** Opens a new segment, its place in the log in its name. */
export async function makeSegment(folder: string, from: number, before: Counts): Promise<Segment> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = [from, before.stdout, before.stderr].map((n) => String(n).padStart(DIGITS, '0')).join('-');
  const path = join(folder, `${name}.log`);
  return { file: await open(path, 'w+', 0o600), path, from, before, bytes: 0 };
}

export interface Found {
  readonly segments: Segment[];
  readonly counts: Counts;
  /** The bytes of the whole chunks of the first segment, up to `headBytes`. */
  readonly head: Buffer;
}

/** Opens what is in a folder, in order. A chunk that a crash tore at the end of a segment is cut off. */
export async function openSegments(folder: string, headBytes: number): Promise<Found> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => NAME.test(name)).sort();
  const segments: Segment[] = [];
  let counts: Counts = { stdout: 0, stderr: 0 };
  let head: Buffer = Buffer.alloc(0);
  for (const name of names) {
    const [, from = '0', stdout = '0', stderr = '0'] = NAME.exec(name) ?? [];
    const path = join(folder, name);
    const file = await open(path, 'r+');
    const before = { stdout: Number(stdout), stderr: Number(stderr) };
    const scanned = await scan(file);
    await file.truncate(scanned.bytes);
    const segment = { file, path, from: Number(from), before, bytes: scanned.bytes };
    if (segments.length === 0) head = await readAt(segment, 0, Buffer.alloc(Math.min(headBytes, scanned.bytes)));
    segments.push(segment);
    counts = { stdout: before.stdout + scanned.counts.stdout, stderr: before.stderr + scanned.counts.stderr };
  }
  return { segments, counts, head };
}

/** Bytes of a segment from `at`, as many as fit into the buffer. */
export async function readAt({ file }: Segment, at: number, buffer: Buffer): Promise<Buffer> {
  const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
  return buffer.subarray(0, bytesRead);
}

export async function dropSegment({ file, path }: Segment): Promise<void> {
  await file.close();
  await rm(path, { force: true });
}

async function scan(file: FileHandle): Promise<{ bytes: number; counts: Counts }> {
  const { size } = await file.stat();
  const counts = { stdout: 0, stderr: 0 };
  const block = Buffer.allocUnsafe(SCAN_BYTES);
  let at = 0;
  while (at + LOG_HEADER_BYTES <= size) {
    const { bytesRead } = await file.read(block, 0, SCAN_BYTES, at);
    let used = 0;
    while (used + LOG_HEADER_BYTES <= bytesRead) {
      const length = block.readUInt32BE(used + 4);
      if (at + used + LOG_HEADER_BYTES + length > size) return { bytes: at + used, counts };
      counts[block[used] === STDERR ? 'stderr' : 'stdout'] += length;
      used += LOG_HEADER_BYTES + length;
    }
    at += used;
  }
  return { bytes: at, counts };
}
