import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { readRecords } from '../launcher/state.mjs';
import { buildAll } from '../launcher/worker/bundle.mjs';
import { readChunks, STDERR } from '../schema/protocol/log-link.ts';
import { dockerJob } from '../test/harness/api.ts';
import { eventually, Stack } from '../test/harness/stack.ts';
import type { DockerEngine } from '../worker-agent/src/engine/docker.ts';
import { engineOnDocker } from '../worker-agent/src/testing/on-docker.ts';
import { Chunker } from '../worker-agent/src/logs/chunker.ts';
import { shell } from '../worker-agent/src/testing/run-spec.ts';
import { withDocker } from './with-docker.ts';

/**
 * A task that prints a gibibyte as fast as it can, in rounds: alone in Docker, which keeps its output as it does for an
 * agent; under an agent; and under an agent with a reader that follows, while the agent stores away the log before. Prints
 * how long the task took by its own clock, how far the reader was behind, and the agent's memory, looked at every 100 ms.
 *
 * `npm run bench:logs -- --bytes 200000000 --rounds 1` is a short run.
 */

const { values: args } = parseArgs({ options: { bytes: { type: 'string' }, rounds: { type: 'string' } } });
const BYTES = Number(args.bytes ?? 1024 ** 3);
const ROUNDS = Number(args.rounds ?? 5);
const LINE = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.';
/** Uptime has a clock that the task and this process share. */
const SCRIPT = `read a x </proc/uptime; yes ${LINE} | head -c ${BYTES}; read b x </proc/uptime; echo $a $b >&2`;
const CPUS = 1;
const MEMORY = 64_000_000;
const SAMPLE_MS = 100;
const STORED_MS = 5 * 60_000;
/** What is asked of the figures. */
const MOST = { ratio: 1.05, behindS: 1, memoryMb: 200 };

interface Sample {
  readonly tookS: number;
  readonly endedAt: number;
}

async function main(): Promise<void> {
  await buildAll();
  const engine = await engineOnDocker();
  const stack = await Stack.start();
  const alone: number[] = [];
  const captured: number[] = [];
  const followed: number[] = [];
  const behind: number[] = [];
  let memory = 0;
  let equal = 0;
  const watch = setInterval(() => (memory = Math.max(memory, rssMb(stack))), SAMPLE_MS);
  try {
    for (let round = 1; round <= ROUNDS; round += 1) {
      alone.push((await bare(engine)).tookS);
      captured.push((await underAgent(stack, null)).tookS);
      const reader = new Reader();
      const sample = await underAgent(stack, reader);
      followed.push(sample.tookS);
      behind.push(reader.lastAt - sample.endedAt);
      equal += Number(reader.digest === expected());
      print(
        `round ${round}: alone ${alone.at(-1)} s, under an agent ${captured.at(-1)} s, with a reader ` +
          `${followed.at(-1)} s, reader behind ${behind.at(-1)?.toFixed(2)} s, agent's memory so far ${memory} MB`,
      );
      // Storing the logs away would slow down the next container that runs alone, of which the agent does not know.
      await eventually(async () => (stack.isAgentClean(1) ? true : undefined), STORED_MS, 'the logs stored away');
    }
  } finally {
    clearInterval(watch);
    await stack.stop();
  }
  report({ alone, captured, followed, behind, memory, equal });
}

interface Figures {
  readonly alone: readonly number[];
  readonly captured: readonly number[];
  readonly followed: readonly number[];
  readonly behind: readonly number[];
  readonly memory: number;
  readonly equal: number;
}

function report({ alone, captured, followed, behind, memory, equal }: Figures): void {
  const base = median(alone);
  const ratio = (times: readonly number[]): number => Number((median(times) / base).toFixed(3));
  const worst = Math.max(...behind);
  const line = (name: string, value: string, isMet: boolean): void =>
    print(`${isMet ? 'met ' : 'MISSED'} ${name}: ${value}`);
  print(`${BYTES} bytes, ${ROUNDS} rounds, medians: alone ${base.toFixed(2)} s, ${rate(base)}`);
  line(`capture against none, at most ${MOST.ratio}`, String(ratio(captured)), ratio(captured) <= MOST.ratio);
  print(`     with a reader against none, for information: ${ratio(followed)}`);
  const lag = `median ${median(behind).toFixed(2)} s, worst ${worst.toFixed(2)} s`;
  line(`reader's last line after the task's end, at most ${MOST.behindS} s`, lag, worst <= MOST.behindS);
  line(`agent's memory, under ${MOST.memoryMb} MB`, `${memory} MB`, memory < MOST.memoryMb);
  line('log equal to what the task printed, by hash', `${equal} of ${ROUNDS}`, equal === ROUNDS);
}

function rate(seconds: number): string {
  return `${(BYTES / seconds / 1e6).toFixed(0)} MB/s`;
}

/** The same container without an agent: its output is kept by Docker and read by nobody. */
async function bare(engine: DockerEngine): Promise<Sample> {
  const resources = { cpu: CPUS, memory: MEMORY, disk: 0, gpu: 0 };
  const run = shell(SCRIPT, { resources });
  await engine.create(run, 'none', new AbortController().signal);
  await engine.start(run.executionId);
  await engine.wait(run.executionId);
  let stderr = '';
  const chunker = new Chunker();
  for await (const data of await engine.kept(run.executionId)) {
    for (const { stream, bytes } of readChunks(chunker.push(Buffer.from(data)))) {
      if (stream === STDERR) stderr += Buffer.from(bytes).toString('utf8');
    }
  }
  await engine.remove(run.executionId);
  return sampleOf(stderr);
}

async function underAgent(stack: Stack, reader: Reader | null): Promise<Sample> {
  const job = dockerJob(['sh', '-c', SCRIPT], {});
  const [task] = job.Tasks;
  const more = { Resources: { CPU: String(CPUS), Memory: '64mb' }, Timeouts: { ExecutionTimeout: 3_600 } };
  const id = await stack.api.submit({ ...job, Tasks: [{ ...task, ...more }] });
  await stack.api.waitForJob(id, 'Running');
  const over = reader?.follow(stack.api.url, id);
  // Asking more often would take the task's own cores away.
  while ((await stack.api.job(id)).State.StateType !== 'Completed') await sleep(1_000);
  await over;
  const [execution] = await stack.api.executions(id);
  return sampleOf(execution?.RunOutput.stderr ?? '');
}

function sampleOf(text: string): Sample {
  const [, from, to] = /(\d+\.\d+) (\d+\.\d+)/.exec(text) ?? [];
  return { tookS: Number((Number(to) - Number(from)).toFixed(2)), endedAt: Number(to) };
}

/** Follows a log and keeps nothing of it but its hash. */
class Reader {
  readonly #hash = createHash('sha256');
  digest = '';
  lastAt = 0;

  follow(baseUrl: string, job: string): Promise<void> {
    const url = `${baseUrl.replace('http', 'ws')}/api/v1/orchestrator/jobs/${job}/logs?follow=true`;
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.on('message', (data: Buffer) => {
      const { value } = JSON.parse(data.toString('utf8')) as { value: { Type: number; Line: string } };
      if (value.Type !== 1) return;
      this.#hash.update(value.Line);
      this.lastAt = uptime();
    });
    return new Promise((resolve) => {
      socket.on('close', () => {
        this.digest = this.#hash.digest('hex');
        resolve();
      });
    });
  }
}

function expected(): string {
  const hash = createHash('sha256');
  const block = Buffer.from(`${LINE}\n`.repeat(1024));
  for (let left = BYTES; left > 0; left -= block.length) hash.update(block.subarray(0, Math.min(left, block.length)));
  return hash.digest('hex');
}

function uptime(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}

function rssMb(stack: Stack): number {
  const pid = readRecords(stack.state)['agent-1']?.pid;
  const status = pid === undefined ? '' : readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round((Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024) / 1e6);
}

function median(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await withDocker(main);
