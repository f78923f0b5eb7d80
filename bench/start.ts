import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ToAgent } from '../schema/protocol/to-agent.ts';
import { openState } from '../launcher/state.mjs';
import { buildWorker, workerBundle } from '../launcher/worker/bundle.mjs';
import { startWorker } from '../launcher/worker/worker.mjs';
import { fakeAgent, type FakeAgentOptions } from './fake-agent.ts';
import { freePort } from '../test/harness/free-port.ts';

/**
 * How soon a task starts: from the sending of a submit, from the dialling of a node that a job waits for, and from the
 * sending of an approval until an agent is asked to run it. And how soon a node that is rejected is told to stop.
 */

const SUBMITS = 200;
const ROUNDS = 50;
/** What the design promises. */
const WITHIN_MS = 250;
/** Something that has not come by then never will. */
const PATIENCE_MS = 10_000;
const API = '/api/v1/orchestrator';

async function main(): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'shoal-start-'));
  await buildWorker();
  openState(state);
  const port = await freePort();
  const vars = { SHOAL_MODE: 'open', SHOAL_NODE_APPROVAL: 'manual' };
  const worker = await startWorker({ state, bundle: workerBundle, port, vars, migrated: false }, () => {});
  const api = new Api(`http://127.0.0.1:${port}`);
  try {
    report(`a submit, ${SUBMITS} one after the other`, await submits(api));
    report(`a node that joins, with a job waiting for it, ${ROUNDS} times`, await joins(api));
    const { batch, daemon, stop } = await approvals(api);
    report(`the approval of a node, its waiting job, ${ROUNDS} times`, batch);
    report('the approval of a node, a daemon job', daemon);
    report('the rejection of a node until it is told to stop', stop);
  } finally {
    api.close();
    await worker.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

/** One connected node, jobs that end at once. */
async function submits(api: Api): Promise<number[]> {
  const node = new Node(api.url, {});
  await node.join();
  await api.change(node.id, 'approve');
  await timed(() => api.submit({}), node.gets('run'));
  const took: number[] = [];
  for (let i = 0; i < SUBMITS; i++) took.push(await timed(() => api.submit({}), node.gets('run')));
  node.close();
  return took;
}

/** A node that was approved before comes back, and some job has waited for its label. */
async function joins(api: Api): Promise<number[]> {
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const labels = { join: String(round) };
    const node = new Node(api.url, labels);
    await node.join();
    await api.change(node.id, 'approve');
    node.close();
    await api.waitForState(await api.submit(labels), 'Queued');
    took.push(await timed(() => node.join(), node.gets('run')));
    node.close();
  }
  return took;
}

/** A node that nobody approved yet, a job that waits for it and a daemon job that wants to be everywhere. */
async function approvals(api: Api) {
  const [batch, daemon, stop]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    const labels = { approval: String(round) };
    const node = new Node(api.url, labels, { endsTasks: false });
    await node.join();
    const waiting = await api.submit(labels);
    const everywhere = await api.submit(labels, 'daemon');
    await api.waitForState(waiting, 'Queued');
    const [job, daemonJob] = [node.gets('run', waiting), node.gets('run', everywhere)];
    const at = performance.now();
    await api.change(node.id, 'approve');
    batch.push((await job) - at);
    daemon.push((await daemonJob) - at);
    stop.push(await timed(() => api.change(node.id, 'reject'), node.gets('stop')));
    await Promise.all([waiting, everywhere].map((id) => api.stop(id)));
    node.close();
  }
  return { batch, daemon, stop };
}

/** From now until it arrives, ms. */
async function timed(act: () => Promise<unknown>, arrives: Promise<number>): Promise<number> {
  const at = performance.now();
  await Promise.all([act(), arrives]);
  return (await arrives) - at;
}

/** An agent whose frames can be waited for. */
class Node {
  readonly id = `n-${crypto.randomUUID()}`;
  readonly #url: string;
  readonly #options: FakeAgentOptions;
  readonly #waiting: { type: ToAgent['type']; jobId: string | undefined; resolve: (at: number) => void }[] = [];
  #agent: { close: () => void } | undefined;

  constructor(url: string, labels: Readonly<Record<string, string>>, options: FakeAgentOptions = {}) {
    this.#url = url;
    this.#options = { ...options, nodeId: this.id, labels, onFrame: (frame) => this.#hear(frame) };
  }

  async join(): Promise<void> {
    this.#agent = await fakeAgent(this.#url, this.#options);
  }

  close(): void {
    this.#agent?.close();
  }

  /** When the next frame of this type arrives, of any job unless one is named. @throws Error when it does not come */
  gets(type: ToAgent['type'], jobId?: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${type} within ${PATIENCE_MS} ms`)), PATIENCE_MS);
      const arrived = (at: number) => {
        clearTimeout(late);
        resolve(at);
      };
      this.#waiting.push({ type, jobId, resolve: arrived });
    });
  }

  #hear(frame: ToAgent): void {
    const at = performance.now();
    const of = 'jobId' in frame ? frame.jobId : undefined;
    const i = this.#waiting.findIndex(({ type, jobId }) => type === frame.type && (jobId ?? of) === of);
    this.#waiting.splice(i, i < 0 ? 0 : 1)[0]?.resolve(at);
  }
}

/** The few calls that are needed, over one kept connection. */
class Api {
  readonly url: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(url: string) {
    this.url = url;
  }

  async submit(labels: Readonly<Record<string, string>>, type = 'batch'): Promise<string> {
    const Constraints = Object.entries(labels).map(([Key, value]) => ({ Key, Operator: '=', Values: [value] }));
    const Tasks = [{ Name: 'main', Engine: { Type: 'docker', Params: { Image: 'none' } }, Resources: { CPU: '0.1' } }];
    const job = { Type: type, ...(type === 'batch' && { Count: 1 }), Constraints, Tasks };
    return ((await this.#call('PUT', '/jobs', { Job: job })) as { JobID: string }).JobID;
  }

  async waitForState(jobId: string, state: string): Promise<void> {
    for (let seen = ''; seen !== state;) {
      const { Job } = (await this.#call('GET', `/jobs/${jobId}`)) as { Job: { State: { StateType: string } } };
      seen = Job.State.StateType;
    }
  }

  async change(nodeId: string, action: string): Promise<void> {
    await this.#call('PUT', `/nodes/${nodeId}`, { Action: action });
  }

  async stop(jobId: string): Promise<void> {
    await this.#call('DELETE', `/jobs/${jobId}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': text.length };
    return new Promise((resolve, reject) => {
      const req = request(`${this.url}${API}${path}`, { method, agent: this.#agent, headers }, (res) => {
        let answer = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => (answer += chunk));
        res.on('end', () => {
          if (res.statusCode === 200) resolve(JSON.parse(answer));
          else reject(new Error(`${method} ${path}: ${res.statusCode} ${answer}`));
        });
      });
      req.on('error', reject);
      req.end(text);
    });
  }
}

function report(what: string, took: readonly number[]): void {
  const ascending = took.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (ascending[Math.min(took.length - 1, Math.floor(took.length * share))] ?? NaN).toFixed(1);
  const late = took.filter((ms) => ms > WITHIN_MS).length;
  const verdict = late === 0 ? `all within ${WITHIN_MS} ms` : `${late} of ${took.length} later than ${WITHIN_MS} ms`;
  console.log(`${what}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms; ${verdict}`);
}

await main();
process.exit(0);
