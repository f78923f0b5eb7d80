import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { WebSocket } from 'ws';
import { openState } from '../launcher/state.mjs';
import { buildWorker, workerBundle } from '../launcher/worker/bundle.mjs';
import { startWorker } from '../launcher/worker/worker.mjs';
import { fakeAgent } from './fake-agent.ts';
import { freePort } from '../test/harness/free-port.ts';

/**
 * A long queue: 100,000 jobs wait in D1, no node is there. Prints what the Scheduler's object takes of the heap with all
 * of them loaded, and how long after a node joins its first task arrives.
 */

const JOBS = 100_000;

async function main(): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'shoal-queue-'));
  await buildWorker();
  openState(state);
  mkdirSync(join(state, 'logs'), { recursive: true });
  const [port, inspectorPort] = [await freePort(), await freePort()];
  const options = { state, bundle: workerBundle, port, vars: { SHOAL_MODE: 'open' }, migrated: false, inspectorPort };
  const url = `http://127.0.0.1:${port}`;
  try {
    const first = await startWorker(options, () => {});
    await first.stop();
    await seed(state);
    const worker = await startWorker(options, () => {});
    const inspector = await Inspector.connect(inspectorPort);
    const idle = await inspector.heapUsage();
    // A node without room loads the world and takes nothing.
    const loadedAt = performance.now();
    const small = await fakeAgent(url, { cpu: 0 });
    console.log(`${JOBS} queued jobs loaded in ${(performance.now() - loadedAt).toFixed(0)} ms`);
    const heap = await inspector.heapUsage();
    console.log(`heap: ${mb(heap)} MB with them, ${mb(idle)} MB before`);
    const joinedAt = performance.now();
    const agent = await fakeAgent(url, { cpu: 0.2 });
    while (agent.runs() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    console.log(`first task of a new node ${(performance.now() - joinedAt).toFixed(0)} ms after it dialled`);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    console.log(`${agent.runs()} tasks in the 3 s after that; heap ${mb(await inspector.heapUsage())} MB`);
    agent.close();
    small.close();
    inspector.close();
    await worker.stop();
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

/** Writes the jobs as the Scheduler would have, in a few statements. */
async function seed(state: string): Promise<void> {
  const mf = new Miniflare(
    convertV4MiniflareOptions({
      name: 'seed',
      modules: true,
      script: 'export default { fetch: () => new Response() };',
      compatibilityDate: '2026-10-01',
      d1Databases: { DB: 'shoal' },
      resourcePersistencePath: join(state, 'worker'),
      cf: false,
    }),
  );
  const db = await mf.getD1Database('DB');
  const at = Date.now();
  for (let from = 0; from < JOBS; from += 2_000) {
    const ids = JSON.stringify(
      Array.from({ length: 2_000 }, (_, i) => [
        `j-${randomUUID()}`,
        (at + from + i) * 1000,
        randomUUID().replaceAll('-', ''),
      ]),
    );
    await db.batch([
      db
        .prepare(
          `INSERT INTO jobs (id, cell, namespace, name, type, priority, count, needs, spec_hash, state, state_message, version,
             revision, event_seq, version_at, waiting_since, active, created_at, modified_at)
           SELECT value ->> 0, 'cell-0', 'default', value ->> 0, 'batch', 0, 1, ?2, value ->> 2, 'Queued', 'Job queued.', 1, 1, 1, ?3, ?3, 1,
             value ->> 1, value ->> 1 FROM json_each(?1)`,
        )
        .bind(ids, NEEDS, at),
      db
        .prepare(
          `INSERT INTO job_versions (job_id, version, spec, created_at) SELECT value ->> 0, 1, ?2, value ->> 1 FROM json_each(?1)`,
        )
        .bind(ids, SPEC),
    ]);
  }
  await mf.dispose();
}

const NEEDS = JSON.stringify({
  engine: 'docker',
  publisher: '',
  sources: [],
  constraints: [],
  taskName: 'main',
  resources: { cpu: 0.1, memory: 1e6, disk: 0, gpu: 0 },
  executionTimeoutMs: 0,
  queueTimeoutMs: null,
  totalTimeoutMs: 0,
});

const SPEC = JSON.stringify({
  Name: 'queued',
  Namespace: 'default',
  Type: 'batch',
  Priority: 0,
  Count: 1,
  Constraints: [],
  Meta: {},
  Labels: {},
  Tasks: [
    {
      Name: 'main',
      Engine: { Type: 'docker', Params: { Image: 'none' } },
      Publisher: { Type: '' },
      Resources: { CPU: '0.1', Memory: '1mb' },
      Network: { Type: 'Default' },
      Timeouts: {},
    },
  ],
});

/** The Worker's inspector, for its heap. */
class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString()) as { id: number; result: unknown };
      this.#waiting.get(id)?.(result);
    });
  }

  static async connect(port: number): Promise<Inspector> {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
    const target = targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.endsWith('user:shoal'));
    if (target === undefined) throw new Error('the inspector does not show the Worker');
    const socket = new WebSocket(target.webSocketDebuggerUrl, { headers: { Origin: 'http://localhost' } });
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    return new Inspector(socket);
  }

  /** Bytes in use. */
  async heapUsage(): Promise<number> {
    const id = ++this.#id;
    const result = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method: 'Runtime.getHeapUsage' }));
    return ((await result) as { usedSize: number }).usedSize;
  }

  close(): void {
    this.#socket.close();
  }
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

await main();
process.exit(0);
