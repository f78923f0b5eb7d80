import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { readChunks, STDERR, wholeChunks } from '@shoal/schema/protocol/log-link';

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
  /** What had come of the output before it, and up to its end. */
  readonly before: Counts;
  after: Counts;
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
  return { file: await open(path, 'w+', 0o600), path, from, before, after: before, bytes: 0 };
}

export interface Found {
  readonly segments: Segment[];
  readonly counts: Counts;
  /** When the last of it was written, epoch ms; null for an empty log. */
  readonly writtenAt: number | null;
}

/**
 * Opens what is in a folder, in order. A chunk that a crash tore at the end of a segment is cut off.
 * @param onChunks is given all of it, in whole chunks that are valid until it returns
 */
export async function openSegments(folder: string, onChunks: (chunks: Buffer) => void): Promise<Found> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => NAME.test(name)).sort();
  const segments: Segment[] = [];
  let writtenAt: number | null = null;
  for (const name of names) {
    const [, from = '0', stdout = '0', stderr = '0'] = NAME.exec(name) ?? [];
    const path = join(folder, name);
    const file = await open(path, 'r+');
    const before = { stdout: Number(stdout), stderr: Number(stderr) };
    const { size, mtimeMs } = await file.stat();
    const { bytes, counts } = await scan(file, onChunks);
    if (bytes < size) await file.truncate(bytes);
    writtenAt = mtimeMs;
    segments.push({ file, path, from: Number(from), before, after: add(before, counts), bytes });
  }
  return { segments, counts: segments.at(-1)?.after ?? { stdout: 0, stderr: 0 }, writtenAt };
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

/** How much of whole chunks is output, per stream. */
export function countOutput(chunks: Uint8Array): Counts {
  const counts = { stdout: 0, stderr: 0 };
  for (const { stream, bytes, isNote } of readChunks(chunks)) {
    if (isNote !== true) counts[stream === STDERR ? 'stderr' : 'stdout'] += bytes.length;
  }
  return counts;
}

export function add(one: Counts, other: Counts): Counts {
  return { stdout: one.stdout + other.stdout, stderr: one.stderr + other.stderr };
}

/** How far a file holds whole chunks, and what of them is output. No chunk is as long as a block. */
async function scan(file: FileHandle, onChunks: (chunks: Buffer) => void): Promise<{ bytes: number; counts: Counts }> {
  let counts: Counts = { stdout: 0, stderr: 0 };
  const block = Buffer.allocUnsafe(SCAN_BYTES);
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(block, 0, SCAN_BYTES, at);
    const whole = wholeChunks(block.subarray(0, bytesRead));
    if (whole === 0) return { bytes: at, counts };
    const chunks = block.subarray(0, whole);
    onChunks(chunks);
    counts = add(counts, countOutput(chunks));
    at += whole;
  }
}
