import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openState } from '../launcher/state.mjs';
import { buildWorker, workerBundle } from '../launcher/worker/bundle.mjs';
import { startWorker } from '../launcher/worker/worker.mjs';
import { freePort } from '../test/harness/free-port.ts';

/**
 * What queries cost with many jobs stored: p50 of each with 1,000 and with 100,000, asked in turns on one machine, and
 * their ratio.
 */

const SIZES = [1_000, 100_000] as const;
const WARM_UP = 50;
const ROUNDS = 400;
const JOBS = '/api/v1/orchestrator/jobs';
const FIRST_AT = 1_763_633_472_000_000;
const PAGES = 500;

interface Store {
  readonly url: string;
  readonly jobs: number;
  readonly stop: () => Promise<void>;
}

async function main(): Promise<void> {
  await buildWorker();
  const stores = await Promise.all(SIZES.map(openStore));
  const agent = new Agent({ keepAlive: true });
  try {
    for (const [name, pathOf] of await queries(stores, agent)) {
      const [small = 0, large = 0] = (await measure(stores, agent, pathOf)).map(median);
      const ratio = (large / small).toFixed(2);
      console.log(`${name.padEnd(34)} ${small.toFixed(2)} ms  ${large.toFixed(2)} ms  ratio ${ratio}`);
    }
  } finally {
    agent.destroy();
    for (const store of stores) await store.stop();
  }
}

/** Asks the stores in turns, so that what else the machine does hits all of them. */
async function measure(stores: readonly Store[], agent: Agent, pathOf: PathOf): Promise<number[][]> {
  const times = stores.map((): number[] => []);
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const [i, store] of stores.entries()) {
      const at = performance.now();
      await get(agent, `${store.url}${pathOf(store, round)}`);
      if (round >= WARM_UP) times[i]?.push(performance.now() - at);
    }
  }
  return times;
}

type PathOf = (store: Store, round: number) => string;

async function queries(stores: readonly Store[], agent: Agent): Promise<[string, PathOf][]> {
  const tokens = new Map<Store, string>();
  for (const store of stores) tokens.set(store, await walk(agent, store.url));
  const some = (store: Store, round: number) => (round * 7919) % store.jobs;
  return [
    ['first page', () => `${JOBS}?limit=10`],
    ['list by label', (_, round) => `${JOBS}?limit=10&labels=team%3Dt${round % 10}`],
    ['list by a label that one job has', (store, round) => `${JOBS}?limit=10&labels=only%3Dj${some(store, round)}`],
    ['list without a label, as the CLI', () => `${JOBS}?limit=10&labels=bacalhau_canary!%3Dtrue`],
    ['list by namespace', (_, round) => `${JOBS}?limit=10&namespace=ns-${round % 10}`],
    [`page ${PAGES} of a walk`, (store) => `${JOBS}?next_token=${tokens.get(store) ?? ''}`],
    ['get by name', (store, round) => `${JOBS}/job-${some(store, round)}?namespace=ns-${some(store, round) % 10}`],
    ['get by prefix', (store, round) => `${JOBS}/${idOf(some(store, round)).slice(0, 10)}`],
  ];
}

/** The token of page 500, two jobs a page: as far as the small store reaches. */
async function walk(agent: Agent, url: string): Promise<string> {
  let token = '';
  for (let page = 1; page < PAGES; page++) {
    const query = token === '' ? 'limit=2' : `next_token=${token}`;
    token = ((await get(agent, `${url}${JOBS}?${query}`)) as { NextToken: string }).NextToken;
  }
  return token;
}

async function openStore(jobs: number): Promise<Store> {
  const state = mkdtempSync(join(tmpdir(), 'shoal-stored-'));
  openState(state);
  const port = await freePort();
  const options = { state, bundle: workerBundle, port, vars: { SHOAL_MODE: 'open' } };
  const first = await startWorker({ ...options, migrated: false }, () => {});
  const url = `http://127.0.0.1:${port}`;
  await get(new Agent(), `${url}${JOBS}`);
  await first.stop();
  fill(databaseIn(state), jobs);
  const worker = await startWorker({ ...options, migrated: true }, () => {});
  const stop = async () => {
    await worker.stop();
    rmSync(state, { recursive: true, force: true });
  };
  return { url, jobs, stop };
}

/** D1's file: the one that has the table. */
function databaseIn(state: string): string {
  const files = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.sqlite'));
  for (const file of files) {
    const db = new DatabaseSync(join(state, file));
    const found = db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'job_labels'`).get();
    db.close();
    if (found !== undefined) return join(state, file);
  }
  throw new Error('the Worker left no database');
}

function idOf(n: number): string {
  // Spread over the alphabet of ids, as random ones are.
  const head = ((n * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0');
  return `j-${head}-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

function fill(file: string, jobs: number): void {
  const db = new DatabaseSync(file);
  db.exec('BEGIN');
  const job = db.prepare(
    `INSERT INTO jobs (id, cell, namespace, name, type, priority, count, needs, spec_hash, state, state_message, version,
       revision, event_seq, version_at, active, created_at, modified_at)
     VALUES (?, 'cell-0', ?, ?, 'batch', 0, 1, '{}', 'x', 'Completed', '', 1, 3, 0, 0, 0, ?, ?)`,
  );
  const version = db.prepare('INSERT INTO job_versions (job_id, version, spec, created_at) VALUES (?, 1, ?, ?)');
  const label = db.prepare('INSERT INTO job_labels (job_id, key, value, created_at) VALUES (?, ?, ?, ?)');
  for (let n = 0; n < jobs; n++) {
    const [id, at, namespace, name] = [idOf(n), FIRST_AT + n, `ns-${n % 10}`, `job-${n}`];
    const labels = { team: `t${n % 10}`, only: `j${n}` };
    job.run(id, namespace, name, at, at + 1);
    version.run(id, JSON.stringify(specOf(name, namespace, labels)), at);
    for (const [key, value] of Object.entries(labels)) label.run(id, key, value, at);
  }
  db.exec('COMMIT');
  db.close();
}

function specOf(name: string, namespace: string, labels: Readonly<Record<string, string>>): object {
  const task = {
    Name: 'main',
    Engine: { Type: 'docker', Params: { Image: 'busybox', Entrypoint: ['/bin/sh'], Parameters: ['-c', 'echo hi'] } },
    Publisher: { Type: '' },
    Resources: { CPU: '500m', Memory: '512mb' },
    Network: { Type: 'Default' },
    Timeouts: {},
  };
  return {
    Name: name,
    Namespace: namespace,
    Type: 'batch',
    Priority: 0,
    Count: 1,
    Constraints: [],
    Meta: {},
    Labels: labels,
    Tasks: [task],
  };
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

function get(agent: Agent, url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${url}: ${answer.statusCode} ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

await main();
process.exit(0);
