import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Chunk, ChunkResult } from './worker.ts';
import { Totals } from './world/totals.ts';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));
const CHUNK = 25;

export interface BatchOptions {
  readonly base: number;
  readonly seeds: number;
  readonly processes?: number;
  /** Ends with the first broken promise. */
  readonly stopAtFirst?: boolean;
  /** What the processes are told, beside what this one was. */
  readonly env?: Readonly<Record<string, string>>;
  /** Modules that the processes load first. */
  readonly preload?: readonly string[];
  readonly onProgress?: (done: number) => void;
}

export interface BatchResult {
  /** Seeds that were run. */
  readonly seeds: number;
  readonly violations: readonly { readonly seed: number; readonly what: string }[];
  /** Of each seed's trace, by seed. */
  readonly hashes: ReadonlyMap<number, string>;
  readonly steps: number;
  /** Of the shortest seed. */
  readonly leastSteps: number;
  readonly totals: ReadonlyMap<string, number>;
}

/** Runs seeds in processes of their own, as many as there are cores. @throws Error when one of them dies */
export async function runBatch(options: BatchOptions): Promise<BatchResult> {
  const { base, seeds, processes = availableParallelism(), stopAtFirst = false, onProgress } = options;
  const totals = new Totals();
  const hashes = new Map<number, string>();
  const violations: { seed: number; what: string }[] = [];
  let [next, done, steps, leastSteps] = [base, 0, 0, Infinity];
  const take = (): Chunk | null => {
    if (next >= base + seeds || (stopAtFirst && violations.length > 0)) return null;
    const chunk = { from: next, count: Math.min(CHUNK, base + seeds - next), stopAtFirst };
    next += chunk.count;
    return chunk;
  };
  const put = (chunk: Chunk, result: ChunkResult): void => {
    totals.add(result.totals);
    violations.push(...result.violations);
    result.hashes.forEach((hash, i) => hashes.set(chunk.from + i, hash));
    steps += result.steps;
    leastSteps = Math.min(leastSteps, result.leastSteps);
    done += result.hashes.length;
    onProgress?.(done);
  };
  await Promise.all(Array.from({ length: processes }, () => work(options, take, put)));
  violations.sort((a, b) => a.seed - b.seed);
  return { seeds: done, violations, hashes, steps, leastSteps, totals: totals.counts };
}

/** One process, which takes chunks until there are no more. */
async function work(
  { env, preload = [] }: BatchOptions,
  take: () => Chunk | null,
  put: (chunk: Chunk, result: ChunkResult) => void,
): Promise<void> {
  let chunk = take();
  if (chunk === null) return;
  const execArgv = ['--no-warnings', ...preload.flatMap((module) => ['--import', module])];
  const child = fork(WORKER, [], {
    execArgv,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  try {
    for (; chunk !== null; chunk = take()) put(chunk, await ask(child, chunk));
  } finally {
    child.kill();
  }
}

function ask(child: ChildProcess, chunk: Chunk): Promise<ChunkResult> {
  return new Promise((resolve, reject) => {
    let said = '';
    const listen = (text: Buffer) => void (said += text.toString());
    const onExit = (code: number | null) =>
      reject(new Error(`seeds from ${chunk.from}: the process ended with ${code}: ${said.slice(0, 2_000)}`));
    child.stderr?.on('data', listen);
    child.once('exit', onExit);
    child.once('message', (result) => {
      child.stderr?.off('data', listen);
      child.off('exit', onExit);
      resolve(result as ChunkResult);
    });
    child.send(chunk);
  });
}
