import { env, exports } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import type { Env } from '../../src/env.ts';
import { mutate, seeded, type FuzzRequest } from '../conformance/fuzz.ts';
import { table } from '../conformance/table.ts';
import { seedWorld } from '../conformance/world.ts';

const { DB } = env as unknown as Env;
const REQUESTS = 20_000;
const AT_ONCE = 16;
const HANGS_AFTER_MS = 60_000;
const SEED = 1;

beforeAll(async () => {
  const statements: D1PreparedStatement[] = [];
  seedWorld((name, row) => {
    const places = Object.keys(row).map(() => '?');
    const sql = `INSERT INTO ${name} (${Object.keys(row).join(', ')}) VALUES (${places.join(', ')})`;
    statements.push(DB.prepare(sql).bind(...Object.values(row)));
  });
  await DB.batch(statements);
});

async function statusOf({ method, path, body, headers }: FuzzRequest): Promise<number> {
  const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const sent = exports.default.fetch(`http://127.0.0.1${path}`, {
    method,
    redirect: 'manual',
    headers: { ...type, ...headers },
    ...(body !== undefined && method !== 'GET' && { body }),
  });
  let timer: number | null = null;
  const late = new Promise<number>((resolve) => {
    timer = setTimeout(() => resolve(599), HANGS_AFTER_MS);
  });
  const status = await Promise.race([sent.then(async (response) => (await response.text(), response.status)), late]);
  clearTimeout(timer);
  return status;
}

test(
  `${REQUESTS} mutated requests meet no 5xx and no hang, and three in ten are good`,
  { timeout: 1_200_000 },
  async () => {
    const good = table.filter(({ status = 200, headers }) => status === 200 && headers === undefined);
    const random = seeded(SEED);
    const bad: string[] = [];
    let sent = 0;
    let accepted = 0;
    const client = async () => {
      while (sent < REQUESTS) {
        sent += 1;
        const request = mutate(good, random);
        const status = await statusOf(request);
        if (status >= 200 && status < 300) accepted += 1;
        if (status >= 500) bad.push(`${status} ${JSON.stringify(request).slice(0, 1_000)}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    console.info(
      `fuzz: ${sent} requests, ${accepted} accepted (${Math.round((accepted / sent) * 100)} %), seed ${SEED}`,
    );
    expect(bad.slice(0, 5)).toEqual([]);
    expect(accepted / sent).toBeGreaterThanOrEqual(0.3);
  },
);
