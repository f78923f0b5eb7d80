import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openState } from '../launcher/state.mjs';
import { buildWorker, workerBundle } from '../launcher/worker/bundle.mjs';
import { startWorker } from '../launcher/worker/worker.mjs';
import { fakeAgent } from './fake-agent.ts';
import { freePort } from '../test/harness/free-port.ts';

/**
 * The whole lifecycle of a job (accepted, placed, dispatched, acknowledged, reported, committed) with agents that finish
 * at once. Prints rates and the distribution of the time from submit to Completed in the API.
 */

const SECONDS = 8;
const NODES = 4;
const JOBS = '/api/v1/orchestrator/jobs';

async function main(): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'shoal-bench-'));
  await buildWorker();
  openState(state);
  const port = await freePort();
  const worker = await startWorker(
    { state, bundle: workerBundle, port, vars: { SHOAL_MODE: 'open' }, migrated: false },
    () => {},
  );
  const url = `http://127.0.0.1:${port}`;
  const agents = await Promise.all(Array.from({ length: NODES }, () => fakeAgent(url)));
  try {
    await run(url, 8, 2);
    for (const clients of [1, 64]) report(clients, await run(url, clients, SECONDS));
  } finally {
    for (const agent of agents) agent.close();
    await worker.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

interface Run {
  /** From the first submit until every job has ended. */
  readonly perSecond: number;
  readonly jobs: number;
  /** Submit to its answer, ms, ascending. */
  readonly submit: readonly number[];
  /** Submit to Completed seen by the API, ms, ascending; measured only for a single client. */
  readonly whole: readonly number[];
}

/** Clients that submit as fast as they are answered; a single client follows each job to its end. */
async function run(url: string, clients: number, seconds: number): Promise<Run> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients + 1 });
  const started = performance.now();
  const submit: number[] = [];
  const whole: number[] = [];
  const client = async () => {
    while (performance.now() - started < seconds * 1000) {
      const at = performance.now();
      const { JobID } = (await call(url, agent, { method: 'PUT', path: JOBS, body: jobBody })) as { JobID: string };
      submit.push(performance.now() - at);
      if (clients > 1) continue;
      while (!(await hasCompleted(url, agent, JobID)));
      whole.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  // A submit is placed in its own turn, so nothing open on any node means that every job has ended.
  while ((await openExecutions(url, agent)) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const perSecond = submit.length / ((performance.now() - started) / 1000);
  agent.destroy();
  const ascending = (a: number, b: number) => a - b;
  return { perSecond, jobs: submit.length, submit: submit.sort(ascending), whole: whole.sort(ascending) };
}

async function hasCompleted(url: string, agent: Agent, id: string): Promise<boolean> {
  const got = (await call(url, agent, { method: 'GET', path: `${JOBS}/${id}` })) as {
    Job: { State: { StateType: string } };
  };
  return got.Job.State.StateType === 'Completed';
}

async function openExecutions(url: string, agent: Agent): Promise<number> {
  const { Nodes } = (await call(url, agent, { method: 'GET', path: '/api/v1/orchestrator/nodes' })) as {
    Nodes: { Info: { ComputeNodeInfo: { RunningExecutions: number } } }[];
  };
  return Nodes.reduce((sum, node) => sum + node.Info.ComputeNodeInfo.RunningExecutions, 0);
}

function report(clients: number, { perSecond, jobs, submit, whole }: Run): void {
  const at = (list: readonly number[], share: number) => (list[Math.floor(list.length * share)] ?? NaN).toFixed(1);
  const spread = (list: readonly number[]) =>
    `p50 ${at(list, 0.5)} ms, p95 ${at(list, 0.95)} ms, p99 ${at(list, 0.99)} ms`;
  console.log(`${clients} client(s): ${perSecond.toFixed(0)} jobs/s over ${jobs} jobs; submit ${spread(submit)}`);
  if (whole.length > 0) console.log(`  submit to Completed seen by the API: ${spread(whole)}`);
}

const jobBody = JSON.stringify({
  Job: {
    Type: 'batch',
    Count: 1,
    Tasks: [
      { Name: 'main', Engine: { Type: 'docker', Params: { Image: 'none' } }, Resources: { CPU: '0.1', Memory: '1mb' } },
    ],
  },
});

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

function call(url: string, agent: Agent, { method, path, body }: Call): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const req = request(`${url}${path}`, { method, agent, headers }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => (text += chunk));
      res.on('end', () => {
        if (res.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${method} ${path}: ${res.statusCode} ${text}`));
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

await main();
process.exit(0);
