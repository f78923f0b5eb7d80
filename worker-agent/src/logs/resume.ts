import { Buffer } from 'node:buffer';
import type { ExecutionId } from '@shoal/schema/ids';
import { LOG_PULL_BYTES } from '@shoal/schema/limits';
import { readChunks, STDERR } from '@shoal/schema/protocol/log-link';
import type { Engine } from '../engine/engine.ts';
import { Chunker } from './chunker.ts';
import { Overlap, Tail } from './overlap.ts';
import type { Counts } from './segments.ts';
import type { Spool } from './spool.ts';

/** Where to read on, and how much of what comes there is written down already. */
export interface Resumption {
  readonly source: AsyncIterable<Uint8Array>;
  readonly known: Counts;
}

/**
 * The engine takes the time of its first line this much later at most than the first of it came here. Before it drops the
 * beginning of a log, 256 MiB have to be printed, and that takes longer.
 */
const SAME_START_MS = 250;
/** What came here came at most this long after the engine took its time. */
const BEHIND_MS = 2_000;

/**
 * Finds where to go on with a log after a break in which nobody read. As long as the engine has all of it, what is written
 * down is counted off. Of a longer one it has only the last part: that is read from shortly before the break, and what is
 * written down is found in it again by its last bytes.
 * @returns null for an engine whose containers print nothing
 * @throws EngineError when the engine does not answer
 */
export async function resume(engine: Engine, executionId: ExecutionId, spool: Spool): Promise<Resumption | null> {
  const keptSince = (await engine.keptSince?.(executionId)) ?? null;
  const { firstAt, writtenAt } = spool;
  if (firstAt === null || writtenAt === null || keptSince === null || keptSince - firstAt < SAME_START_MS) {
    const source = await engine.capture?.(executionId, 'beginning');
    return source === undefined ? null : { source, known: spool.counts };
  }
  const since = writtenAt - BEHIND_MS;
  const overlap = await findOverlap((await engine.kept?.(executionId, since)) ?? [], spool);
  const source = await engine.capture?.(executionId, since);
  if (source === undefined) return null;
  if (!overlap.isSure) await spool.addNote('output may be missing here or be here twice, the agent was away');
  return { source, known: overlap.known };
}

async function findOverlap(
  kept: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  spool: Spool,
): Promise<{ known: Counts; isSure: boolean }> {
  const [stdout, stderr] = await readTails(spool);
  const chunker = new Chunker();
  for await (const data of kept) {
    const chunks = chunker.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    for (const { stream, bytes } of readChunks(chunks)) (stream === STDERR ? stderr : stdout).push(bytes);
  }
  const [out, err] = [stdout.result(), stderr.result()];
  const isSure = (out.isFound || err.isFound) && !out.isDoubtful && !err.isDoubtful;
  return { known: { stdout: out.known, stderr: err.known }, isSure };
}

/** How each stream ends in what is written down. */
async function readTails(spool: Spool): Promise<[stdout: Overlap, stderr: Overlap]> {
  const stdout = new Tail();
  const stderr = new Tail();
  for (let from = 0; ;) {
    const { chunks, next } = await spool.read(from, LOG_PULL_BYTES);
    if (next === from) return [new Overlap(stdout.bytes), new Overlap(stderr.bytes)];
    for (const { stream, bytes, isNote } of readChunks(chunks)) {
      if (isNote !== true) (stream === STDERR ? stderr : stdout).push(bytes);
    }
    from = next;
  }
}
