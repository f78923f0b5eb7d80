import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../cli/src/up/config.ts';
import { readRecords } from '../../cli/src/up/state.ts';
import { buildWorker } from '../../cli/src/up/worker/bundle.ts';
import { COMPLETED } from '../harness/api.ts';
import { eventually, Stack } from '../harness/stack.ts';
import type { FastParams } from './file-engine.ts';

const JOBS = 5_000;
const KILLS = 20;
const AGENTS = 5;
const BETWEEN_KILLS_MS = 1_200;
/** Nothing waits this long: it ends a test that would never end. */
const SETTLE_MS = 300_000;
const BACK_MS = 60_000;
const CLIENTS = 8;
const STEPS = 2 * KILLS;

let stack: Stack;
let agents: KilledAgent[] = [];
beforeAll(async () => {
  await buildWorker();
  stack = await Stack.start({ agents: 0 });
  agents = Array.from({ length: AGENTS }, (_, i) => new KilledAgent(`n-chaos-${i + 1}`));
  await stack.api.connectedNodes(AGENTS);
}, 120_000);
afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.end()));
  await stack.stop();
});

/** A real agent process that is killed, and started again with its journal and its containers. */
class KilledAgent {
  readonly #nodeId: string;
  #child: ChildProcess;
  #restart: Promise<void> = Promise.resolve();

  constructor(nodeId: string) {
    this.#nodeId = nodeId;
    this.#child = this.#start();
  }

  /** Resolves when it has been started again, within 2 s. */
  kill(): Promise<void> {
    this.#restart = this.#restart.then(async () => {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
      await sleep(randomInt(1_500));
      this.#child = this.#start();
    });
    return this.#restart;
  }

  async end(): Promise<void> {
    await this.#restart;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  #start(): ChildProcess {
    const state = join(stack.state, 'chaos', this.#nodeId);
    const script = join(root, 'test', 'chaos', 'agent-process.ts');
    return spawn(process.execPath, [script, stack.api.url, state, this.#nodeId, '50'], { stdio: 'ignore' });
  }
}

interface Submitted {
  readonly name: string;
  readonly word: string;
}

/** Submits until an answer says that the job was taken. Its token makes all of the tries one submit. */
async function submit(): Promise<Submitted> {
  const [name, word, IdempotencyToken] = [`chaos-${randomUUID()}`, randomUUID(), randomUUID()];
  const params: FastParams = { Word: word, RunMs: randomInt(50, 500) };
  const task = { Name: 'main', Engine: { Type: 'docker', Params: { ...params } }, Network: { Type: 'None' } };
  const body = { Job: { Name: name, Type: 'batch', Count: 1, Tasks: [task] }, IdempotencyToken };
  for (;;) {
    const answer = await stack.api.call('PUT', '/api/v1/orchestrator/jobs', body).catch(() => null);
    if (answer?.status === 200) return { name, word };
    if (answer !== null && answer.status < 500) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    if (answer === null) lostAnswers += 1;
    await sleep(50);
  }
}

/** Submits that had no answer and were sent again. */
let lostAnswers = 0;

/** What the submits may be ahead of the kills: the jobs of a step are due one by one until its kill. */
class Pace {
  #step = 0;
  #since = Date.now();

  next(): void {
    this.#step += 1;
    this.#since = Date.now();
  }

  isDue(job: number): boolean {
    const part = Math.min(1, (Date.now() - this.#since) / BETWEEN_KILLS_MS);
    return job < (JOBS / STEPS) * (this.#step + part);
  }
}

/** Submits as long as the kills last, however long that is. */
async function submitAll(pace: Pace): Promise<Submitted[]> {
  const submitted: Submitted[] = [];
  let begun = 0;
  const client = async () => {
    for (let n = begun++; n < JOBS; n = begun++) {
      while (!pace.isDue(n)) await sleep(5);
      submitted.push(await submit());
    }
  };
  await inParallel(client);
  return submitted;
}

async function inParallel(client: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

async function killAll(pace: Pace): Promise<void> {
  const restarts: Promise<void>[] = [];
  for (let i = 0; i < STEPS; i++) {
    await sleep(BETWEEN_KILLS_MS);
    if (i % 2 === 0) await killWorkerd();
    else restarts.push(agents[randomInt(AGENTS)]?.kill() ?? Promise.resolve());
    pace.next();
  }
  await Promise.all(restarts);
}

/** Resolves when another one answers. */
async function killWorkerd(): Promise<void> {
  const killed = readRecords(stack.state)['workerd']?.pid;
  stack.killWorkerd();
  const isBack = async () => {
    if (readRecords(stack.state)['workerd']?.pid === killed) return undefined;
    const answer = await stack.api.call('GET', '/api/v1/agent/alive').catch(() => null);
    return answer?.status === 200 ? true : undefined;
  };
  await eventually(isBack, BACK_MS, 'workerd back');
}

/** What became of one job; null while it has not ended. */
async function verdict({ name, word }: Submitted): Promise<string | null> {
  const { State, Version } = await stack.api.job(name);
  const state = State.StateType as string;
  if (state !== 'Completed') return ['Failed', 'Stopped'].includes(state) ? `${name} is ${state}` : null;
  if (Version !== 1) return `${name} was taken ${Version} times`;
  const completed = (await stack.api.executions(name)).filter((e) => e.ComputeState.StateType === COMPLETED);
  if (completed.length !== 1) return `${name} has ${completed.length} completed executions`;
  return completed[0]?.RunOutput.Stdout === word ? 'ok' : `${name} printed another word`;
}

test(`${JOBS} jobs through ${KILLS} kills of workerd and ${KILLS} of agents`, async () => {
  const pace = new Pace();
  const [submitted] = await Promise.all([submitAll(pace), killAll(pace)]);
  const until = Date.now() + SETTLE_MS;
  const verdicts = new Map<string, string>();
  let left = submitted;
  while (left.length > 0 && Date.now() < until) {
    const asked = left[Symbol.iterator]();
    await inParallel(async () => {
      for (const job of asked) {
        const found = await verdict(job).catch(() => null);
        if (found !== null) verdicts.set(job.name, found);
      }
    });
    left = left.filter(({ name }) => !verdicts.has(name));
    if (left.length > 0) await sleep(500);
  }
  const bad = [...verdicts.values()].filter((found) => found !== 'ok');
  const settledMs = SETTLE_MS - (until - Date.now());
  process.stdout.write(
    `\n${submitted.length} accepted, ${lostAnswers} answers lost and asked for again, ${verdicts.size - bad.length} Completed once with their word, ` +
      `${bad.length} otherwise, ${left.length} not ended, ${Math.round(settledMs / 1000)} s after the last restart\n`,
  );
  expect(bad).toEqual([]);
  expect(left).toEqual([]);
  expect(submitted).toHaveLength(JOBS);
});
