import { existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRecords } from '../../cli/src/up/state.ts';
import { LOG_HEADER_BYTES } from '../../schema/protocol/log-link.ts';
import { dockerJob } from '../harness/api.ts';
import { listeningPorts } from '../harness/sockets.ts';
import { Stack, eventually } from '../harness/stack.ts';

/** Stands in the log of a task, and so in the database and in the bucket. */
const PRINTED = 'printed-by-the-task-of-this-test';

let state = '';
let bucketKeys: string[] = [];
beforeAll(() => void (state = mkdtempSync(join(tmpdir(), 'worker-host-'))));
afterAll(() => rmSync(state, { recursive: true, force: true }));

/** What a port of 127.0.0.1 answers; null when it speaks no HTTP. */
function ask(port: number, path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; text: string } | null>((resolve) => {
    const asking = request({ host: '127.0.0.1', port, path, method, headers, timeout: 3_000 }, (response) => {
      let text = '';
      response.on('data', (data) => (text += String(data)));
      response.on('error', () => {});
      response.on('close', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.on('timeout', () => asking.destroy(new Error('no answer')));
    asking.on('error', () => resolve(null));
    asking.end();
  });
}

const upgrade = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

/** The requests by which a port of miniflare's could be made to serve what belongs to the installation. */
function attempts(port: number): { path: string; headers?: Record<string, string>; method?: string }[] {
  const own = { Host: `127.0.0.1:${port}` };
  const objects = bucketKeys.map((key) => `/cdn-cgi/local/r2/public/shoal/${encodeURIComponent(key)}`);
  const plain = bucketKeys.map((key) => `/cdn-cgi/local/r2/public/shoal/${key}`);
  return [
    ...[...objects, ...plain].flatMap((path) => [
      { path },
      { path, headers: { Host: 'localhost' } },
      { path: '/', headers: { ...own, 'MF-Original-URL': `http://localhost${path}` } },
      { path: '/', headers: { ...own, 'MF-Original-URL': `x:http://localhost${path}` } },
      { path: '/', headers: { ...own, 'MF-Original-URL': `x:../../..${path}` } },
      { path, headers: { ...own, 'X-Forwarded-Proto': 'https' } },
    ]),
    ...['', 'shoal', '../shoal'].map((target) => ({
      path: '/api/v1/orchestrator/jobs',
      headers: { ...own, ...(target !== '' && { 'MF-Route-Override': target }) },
    })),
    { path: '/api/v1/agent/alive' },
    { path: '/cdn-cgi/local/explorer/api/d1/database' },
    { path: '/cdn-cgi/local/r2/s3/shoal?list-type=2' },
    { path: '/cdn-cgi/local/scheduled' },
    { path: '/cdn-cgi/local/platform-proxy' },
    { path: '/cdn-cgi/local/platform-proxy', headers: { ...own, 'MF-Op': 'GET', 'MF-Op-Target': '[0]' } },
    {
      path: '/cdn-cgi/local/platform-proxy',
      headers: { ...own, 'MF-Op': 'GET', 'MF-Op-Target': '[0]', 'MF-Op-Secret': '0'.repeat(32) },
    },
    { path: '/00000000-0000-4000-8000-000000000000', headers: { ...own, ...upgrade } },
    { path: '/core/log', method: 'POST' },
    { path: '/', headers: { ...own, 'MF-Custom-Fetch-Service': 'shoal' } },
    { path: '/', headers: { ...own, 'MF-Loopback-Secret': '0'.repeat(32) } },
  ];
}

describe.runIf(process.platform === 'linux')('the processes of the Worker', () => {
  test('serve nothing of the installation at any port but the API’s', async () => {
    const stack = await Stack.start({ state });
    try {
      const job = await stack.api.submit(dockerJob(['echo', PRINTED]));
      await stack.api.waitForJob(job, 'Completed');
      await eventually(async () => (stack.isAgentClean(1) ? true : undefined), 20_000, 'the log stored away');
      const [execution] = await stack.api.executions(job);
      const ends = [0, LOG_HEADER_BYTES + PRINTED.length + 1].map((offset) => String(offset).padStart(15, '0'));
      bucketKeys = [`log/${execution?.ID}/${ends.join('-')}-end`, `log/${execution?.ID}/`];
      const { 'worker-host': host, workerd } = readRecords(stack.state);
      const ports = [host, workerd].flatMap((record) => (record === undefined ? [] : listeningPorts(record.pid)));
      expect(ports).toContain(stack.port);
      const others = ports.filter((port) => port !== stack.port);
      expect(others.length).toBeGreaterThan(0);
      for (const port of others) {
        for (const { path, headers, method } of attempts(port)) {
          const got = await ask(port, path, headers, method);
          expect([path, headers, (got?.status ?? 500) >= 400]).toEqual([path, headers, true]);
          expect(got?.text ?? '').not.toMatch(new RegExp(`${PRINTED}|${job}|shoal|Status|OK`));
        }
      }
      // Over its own port the host still does what it is for.
      expect((await stack.api.job(job)).State.StateType).toBe('Completed');
    } finally {
      await stack.halt();
    }
  });
});

/** Where what a database held lies after it was damaged in the test before. */
function databaseOf(folder: string): string {
  const inside = join(state, 'worker', folder);
  const name = readdirSync(inside).find((one) => one.endsWith('.sqlite') && one !== 'metadata.sqlite');
  if (name === undefined) throw new Error(`no database in ${inside}`);
  return join(inside, name);
}

describe('a database that is damaged', () => {
  // What a process that was killed wrote last is in the logs beside the databases.
  beforeAll(() => {
    for (const folder of new Set(files.map(([, one]) => one))) {
      const database = new DatabaseSync(databaseOf(folder));
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      database.close();
    }
  });

  const files: readonly (readonly [what: string, folder: string, damage: (data: Buffer) => Buffer])[] = [
    ['D1', 'd1/miniflare-D1DatabaseObject', (data) => data.subarray(0, data.length / 2 - 100)],
    ['D1', 'd1/miniflare-D1DatabaseObject', (data) => data.fill(0)],
    ['D1', 'd1/miniflare-D1DatabaseObject', (data) => data.fill(0xa5, 4096 * 2, 4096 * 4)],
    ['the bucket', 'r2/miniflare-R2BucketObject', (data) => data.fill(0xa5, 0, 4096)],
    ['the Scheduler', 'do/shoal-Scheduler', (data) => data.subarray(0, 100)],
  ];
  test.each(files)('is named at the start, with what to do: %s', async (_, folder, damage) => {
    const file = databaseOf(folder);
    const whole = readFileSync(file);
    expect(whole.length).toBeGreaterThan(4096);
    writeFileSync(file, damage(Buffer.from(whole)));
    try {
      const started = Stack.start({ state, agents: 0 });
      await expect(started).rejects.toThrow(/^the database file .* or move these files away; [^\n]*$/);
      await expect(started).rejects.toThrow(file);
    } finally {
      writeFileSync(file, whole);
    }
  });

  test('and that is moved away, as the line says, is made anew', async () => {
    const file = databaseOf('d1/miniflare-D1DatabaseObject');
    for (const end of ['', '-wal', '-shm']) {
      if (existsSync(`${file}${end}`)) renameSync(`${file}${end}`, join(state, `away${end}`));
    }
    const stack = await Stack.start({ state, agents: 0 });
    expect((await stack.api.get('/jobs')).status).toBe(200);
    await stack.halt();
  });
});
