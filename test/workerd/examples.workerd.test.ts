import { env, exports } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { STDOUT } from '../../schema/protocol/log-link.ts';
import { ExecutionId } from '../../schema/ids.ts';
import type { Env } from '../../src/env.ts';
import recorded from '../../src/http/openapi/examples.json' with { type: 'json' };
import { LogParts } from '../../src/logs/parts.ts';
import { NODE, ORCHESTRATOR } from '../conformance/world.ts';
import {
  LOG_TEXT,
  LOGGED_EXECUTION,
  seedExamples,
  sendExample,
  shownRoutes,
  type Send,
} from '../examples/run-examples.ts';
import { FakeAgent } from './fake-agent.ts';
import { chunkOf } from './log-world.ts';

const { DB, BLOBS } = env as unknown as Env;

const send: Send = async (method, path, body) => {
  const response = await exports.default.fetch(`http://127.0.0.1${path}`, {
    method,
    ...(body !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
};

beforeAll(async () => {
  const statements = [DB.prepare('UPDATE installation SET node_id = ?').bind(ORCHESTRATOR)];
  seedExamples((name, row) => {
    const places = Object.keys(row).map(() => '?');
    const sql = `INSERT INTO ${name} (${Object.keys(row).join(', ')}) VALUES (${places.join(', ')})`;
    statements.push(DB.prepare(sql).bind(...Object.values(row)));
  });
  await DB.batch(statements);
  const log = chunkOf(STDOUT, LOG_TEXT);
  const part = { from: 0, next: log.length, end: true };
  await new LogParts(BLOBS, ExecutionId.parse(LOGGED_EXECUTION)).put(part, log.buffer);
  await new FakeAgent(NODE).connect([], { labels: { os_type: 'linux' }, sources: ['inline'] });
});

/** The keys of a value, inner ones too; of lists those of the first. */
function keysOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(keysOf);
  if (typeof value !== 'object' || value === null) return null;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, keysOf(item)]));
}

/** Their warnings and reasons depend on what the node is and does. */
const LOOSE: ReadonlySet<string> = new Set(['submitJob', 'postJob', 'dryRunJob', 'rerunJob']);

/** In their order: some change what later ones find. */
describe('against the real Worker the example of', () => {
  for (const route of shownRoutes) {
    test(`${route.id} is answered as described`, async () => {
      const { status, text } = await sendExample(route, send);
      expect([status, text.slice(0, status === 200 ? 0 : 1_000)]).toEqual([200, '']);
      if (!(route.answer instanceof z.ZodType)) {
        if (route.answer?.mediaType === 'text/plain') expect(text).toBe(LOG_TEXT);
        return;
      }
      const given: unknown = JSON.parse(text);
      expect(route.answer.safeParse(given).error).toBeUndefined();
      if (!LOOSE.has(route.id)) expect(keysOf(given)).toEqual(keysOf(recorded[route.id as keyof typeof recorded]));
    });
  }
});
