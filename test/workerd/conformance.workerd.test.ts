import { env, exports } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Env } from '../../src/env.ts';
import { problemsOf, withoutNodes, type Send } from '../conformance/case.ts';
import { table } from '../conformance/table.ts';
import { ORCHESTRATOR, seedWorld } from '../conformance/world.ts';

const { DB } = env as unknown as Env;

const send: Send = async (method, path, body, headers) => {
  const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const response = await exports.default.fetch(`http://127.0.0.1${path}`, {
    method,
    redirect: 'manual',
    headers: { ...type, ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, text: withoutNodes(await response.text()) };
};

beforeAll(async () => {
  const statements = [DB.prepare('UPDATE installation SET node_id = ?').bind(ORCHESTRATOR)];
  seedWorld((name, row) => {
    const places = Object.keys(row).map(() => '?');
    const sql = `INSERT INTO ${name} (${Object.keys(row).join(', ')}) VALUES (${places.join(', ')})`;
    statements.push(DB.prepare(sql).bind(...Object.values(row)));
  });
  await DB.batch(statements);
});

/** The table against the real Worker, Scheduler and D1. */
describe('conformance', () => {
  for (const item of table) {
    test(item.name, async () => expect(await problemsOf(item, send)).toEqual([]));
  }
});
