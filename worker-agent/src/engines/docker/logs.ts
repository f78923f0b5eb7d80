import { Buffer } from 'node:buffer';
import type { ExecutionId } from '@shoal/schema/ids';
import type { DockerApi } from './api.ts';
import { LOG_HEADER_BYTES } from '@shoal/schema/protocol/log-link';
import { HeadReader, type Stream } from './output.ts';
import type { Heads } from '../engine.ts';

/** Both streams are read together up to this; then each that is missing is looked for alone. */
const TOGETHER_BYTES = 4 * 1024 * 1024;
/** Docker has to read past all of a long stdout to find a short stderr: not for longer than this. */
const SEARCH_MS = 2_000;

/** Reads the head of each stream from a container's log, and no more of it than that takes. */
export async function readHeads(api: DockerApi, executionId: ExecutionId): Promise<Heads> {
  const reader = new HeadReader();
  const ended = await read(api, executionId, { reader, streams: ['stdout', 'stderr'], maxBytes: TOGETHER_BYTES });
  if (ended) return reader.heads();
  const missing = (['stdout', 'stderr'] as const).filter((stream) => !reader.isFull(stream));
  const [stream] = missing;
  if (stream === undefined) return reader.heads();
  const alone = new HeadReader();
  const found = await read(api, executionId, { reader: alone, streams: [stream], maxBytes: TOGETHER_BYTES });
  if (!found) alone.giveUp(stream);
  return stream === 'stderr' ? pick(reader.heads(), alone.heads()) : pick(alone.heads(), reader.heads());
}

/** When the oldest line was printed that Docker still has, epoch ms; null when there is none. */
export async function readKeptSince(api: DockerApi, executionId: ExecutionId): Promise<number | null> {
  let head = Buffer.alloc(0);
  for await (const chunk of await api.logs(executionId, { timestamps: true }, AbortSignal.timeout(SEARCH_MS))) {
    head = Buffer.concat([head, Buffer.from(chunk)]);
    const time = /^\d\S+(?= )/.exec(head.toString('latin1', LOG_HEADER_BYTES));
    if (time !== null) return Date.parse(time[0]);
  }
  return null;
}

interface Reading {
  readonly reader: HeadReader;
  readonly streams: readonly Stream[];
  readonly maxBytes: number;
}

/** True when the log ended or the streams are full; false when it was left before. */
async function read(
  api: DockerApi,
  executionId: ExecutionId,
  { reader, streams, maxBytes }: Reading,
): Promise<boolean> {
  const deadline = AbortSignal.timeout(SEARCH_MS);
  const wanted = { stdout: streams.includes('stdout'), stderr: streams.includes('stderr') };
  let bytes = 0;
  try {
    const log = await api.logs(executionId, wanted, deadline);
    for await (const chunk of log) {
      const data = Buffer.from(chunk);
      reader.push(data);
      bytes += data.length;
      if (streams.every((stream) => reader.isFull(stream))) return true;
      if (bytes > maxBytes) return false;
    }
    return true;
  } catch (error) {
    if (deadline.aborted) return false;
    throw error;
  }
}

function pick(out: Heads, err: Heads): Heads {
  const { stdout, stdoutTruncated } = out;
  const { stderr, stderrTruncated } = err;
  return { stdout, stdoutTruncated, stderr, stderrTruncated };
}
