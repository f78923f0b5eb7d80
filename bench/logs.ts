import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { readRecords } from '../launcher/state.mjs';
import { buildAll } from '../launcher/worker/bundle.mjs';
import { readChunks, STDERR } from '../schema/protocol/log-link.ts';
import { dockerJob } from '../test/harness/api.ts';
import { Stack } from '../test/harness/stack.ts';
import type { DockerEngine } from '../worker-agent/src/engine/docker.ts';
import { engineOnDocker } from '../worker-agent/src/testing/on-docker.ts';
import { Chunker } from '../worker-agent/src/logs/chunker.ts';
import { shell } from '../worker-agent/src/testing/run-spec.ts';

/**
 * A task that prints a gibibyte as fast as it can: alone in Docker, and under an agent with and without a reader that
 * follows. Prints how long the task took by its own clock, how far the reader was behind, and the agent's memory.
 */

const BYTES = Number(process.env['SHOAL_BENCH_LOG_BYTES'] ?? 1024 ** 3);
const ROUNDS = Number(process.env['SHOAL_BENCH_LOG_ROUNDS'] ?? 5);
const LINE = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.';
/** Uptime has a clock that the task and this process share. */
const SCRIPT = `read a x </proc/uptime; yes ${LINE} | head -c ${BYTES}; read b x </proc/uptime; echo $a $b >&2`;
const CPUS = 1;
const MEMORY = 64_000_000;

interface Sample {
  readonly tookS: number;
  readonly endedAt: number;
}

async function main(): Promise<void> {
  await buildAll();
  const engine = await engineOnDocker();
  const stack = await Stack.start();
  const alone: number[] = [];
  const unread: number[] = [];
  const read: number[] = [];
  const behind: number[] = [];
  let memory = 0;
  let correct = 0;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      alone.push((await bare(engine)).tookS);
      unread.push((await underAgent(stack, null)).tookS);
      const reader = new Reader();
      const watch = setInterval(() => (memory = Math.max(memory, rssMb(stack))), 100);
      const sample = await underAgent(stack, reader);
      clearInterval(watch);
      read.push(sample.tookS);
      behind.push(reader.lastAt - sample.endedAt);
      correct += Number(reader.digest === expected());
      print(
        `round ${round + 1}: alone ${alone.at(-1)} s, under an agent ${unread.at(-1)} s, read along ${read.at(-1)} s, ` +
          `reader behind ${behind.at(-1)?.toFixed(2)} s, agent's memory so far ${memory} MB`,
      );
    }
  } finally {
    await stack.stop();
  }
  const base = median(alone);
  const percent = (times: readonly number[]): string => `${((median(times) / base - 1) * 100).toFixed(1)} %`;
  print(
    `${BYTES} bytes, medians of ${ROUNDS}: alone ${base.toFixed(2)} s; under an agent ${percent(unread)}; read along ${percent(read)}`,
  );
  print(`reader behind the task: median ${median(behind).toFixed(2)} s, worst ${Math.max(...behind).toFixed(2)} s`);
  print(`agent's memory: at most ${memory} MB; logs equal to the task's own: ${correct} of ${ROUNDS}`);
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
  for await (const data of await engine.capture(run.executionId, 'beginning')) {
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
  const id = await stack.api.submit({ ...job, Tasks: [{ ...task, Resources: { CPU: String(CPUS), Memory: '64mb' } }] });
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
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
