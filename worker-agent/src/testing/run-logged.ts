import { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import { readChunks } from '@shoal/schema/protocol/log-link';
import type { Engine } from '../engines/engine.ts';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import type { LogShelf } from '../logs/shelf.ts';
import type { Outcome } from '../executions/outcome.ts';

import { runOn } from './on-docker.ts';

export interface Ran {
  readonly outcome: Outcome;
  readonly stdout: Buffer;
  readonly stderr: string;
}

const REMOVE_TRIES = 40;

interface Options {
  readonly stop?: AbortSignal;
  readonly onRunning?: () => void;
}

/** Runs a task as the agent does, its log included, and leaves no container. */
export async function runLogged(
  { engine, shelf }: { readonly engine: Engine; readonly shelf: LogShelf },
  spec: RunSpec,
  { stop = new AbortController().signal, onRunning = () => {} }: Options = {},
): Promise<Ran> {
  try {
    const outcome = await runOn(engine, spec, { stop, onRunning, logs: shelf });
    return { outcome, ...(await readLog(shelf, spec)) };
  } finally {
    await remove(engine, spec);
  }
}

/** Tries again while the engine is away, as the agent does. */
async function remove(engine: Engine, { executionId }: RunSpec): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await engine.remove(executionId);
    } catch (error) {
      if (tries === REMOVE_TRIES) throw error;
      await sleep(500);
    }
  }
}

async function readLog(shelf: LogShelf, { executionId }: RunSpec): Promise<{ stdout: Buffer; stderr: string }> {
  const reading = await shelf.read(executionId);
  const streams: Buffer[][] = [[], [], []];
  if (reading === null) throw new Error('no log');
  for (let from = 0; ;) {
    const { chunks, next, end } = await reading.spool.read(from, 1024 * 1024);
    for (const { stream, bytes } of readChunks(chunks)) streams[stream]?.push(Buffer.from(bytes));
    if (end || next === from) break;
    from = next;
  }
  reading.done();
  return { stdout: Buffer.concat(streams[1] ?? []), stderr: Buffer.concat(streams[2] ?? []).toString('utf8') };
}
