import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { z } from 'zod';
import { ExecutionId, JobId, NodeId } from '../../../schema/ids.ts';
import { HELLO, NODE, ORCHESTRATOR } from '../../../test/conformance/world.ts';
import {
  LOG_TEXT,
  LOGGED_EXECUTION,
  seedExamples,
  sendExample,
  shownRoutes,
} from '../../../test/examples/run-examples.ts';
import { makeFakeApi } from '../../../test/fakes/api.ts';
import { FakeD1 } from '../../../test/fakes/d1.ts';
import { makeFakeLogs } from '../../../test/fakes/logs.ts';
import { table } from '../routes/table.ts';
import { makeDocument } from './document.ts';

const FILE = new URL('../../../docs/openapi.json', import.meta.url);
const EXAMPLES = new URL('examples.json', import.meta.url);
const writes = process.env['SHOAL_WRITE'] === '1';

/** One execution with a log. */
function makeLogs() {
  const executionId = ExecutionId.parse(LOGGED_EXECUTION);
  const { logs } = makeFakeLogs();
  return {
    ...logs,
    findOwner: async () => ({
      executionId,
      jobId: JobId.parse(HELLO),
      nodeId: NodeId.parse(NODE),
      namespace: 'default',
      computeState: 'Completed' as const,
      computeMessage: '',
      hasRun: true,
      modifiedAt: 0,
    }),
    choose: async () => executionId,
    read: async () => new Response(LOG_TEXT),
  };
}

/** What is random in an answer, the same each time. */
function steady(text: string): string {
  return text
    .replaceAll(/open-[0-9a-f]{64}/g, `open-${'0123456789abcdef'.repeat(4)}`)
    .replaceAll(/shoal_[\w-]{43}/g, 'shoal_V2hhdCBvcGVucyBhbGwgaXMgc2hvd24gYnV0IG9uY2U')
    .replaceAll(/"Ending":"[\w-]{5}"/g, '"Ending":"b25jZ"');
}

/** Every example, and what it is answered with; of what is not told in the description, nothing. */
async function runAll() {
  const db = new FakeD1();
  const { send, scheduler } = makeFakeApi({}, db, { logs: makeLogs() });
  db.sqlite.prepare('UPDATE installation SET node_id = ?').run(ORCHESTRATOR);
  seedExamples((name, row) => db.insert(name, row));
  await scheduler.join(NODE);
  const answers: Record<string, unknown> = {};
  const statuses: Record<string, number> = {};
  for (const route of shownRoutes) {
    const { status, text } = await sendExample(route, send);
    statuses[route.id] = status;
    if (route.answer instanceof z.ZodType) answers[route.id] = JSON.parse(steady(text));
    else if (route.answer?.mediaType === 'text/plain') answers[route.id] = text;
  }
  return { answers, statuses };
}

const { answers, statuses } = await runAll();

describe('openapi.json', () => {
  test('is checked in: SHOAL_WRITE=1 writes it anew', ({ expect }) => {
    const examples = `${JSON.stringify(answers, null, 2)}\n`;
    const text = `${JSON.stringify(makeDocument(table, answers), null, 2)}\n`;
    if (writes) {
      writeFileSync(EXAMPLES, examples);
      writeFileSync(FILE, text);
    }
    expect(readFileSync(EXAMPLES, 'utf8')).toBe(examples);
    expect(readFileSync(FILE, 'utf8')).toBe(text);
  });

  test('is what is served', async ({ expect }) => {
    const got = await makeFakeApi().send('GET', '/api/v1/openapi.json');
    expect([got.status, got.json()]).toEqual([200, JSON.parse(readFileSync(FILE, 'utf8'))]);
  });

  test('names every route but the agents’ and those that lead elsewhere', ({ expect }) => {
    const hidden = table.filter(({ shown }) => shown === null).map(({ method, path }) => `${method} ${path}`);
    expect(hidden).toEqual([
      'all /',
      'all /version',
      'all /livez',
      'all /api/v1/requester/*',
      'get /api/v1/compute/connect',
      'get /api/v1/compute/executions/{id}/log',
      'put /api/v1/compute/executions/{id}/log',
    ]);
  });

  test('points at nothing that is not there', ({ expect }) => {
    const text = JSON.stringify(makeDocument(table));
    const { components } = JSON.parse(text) as { components: { schemas: object } };
    const missing = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].filter(
      ([, name = '']) => !(name in components.schemas),
    );
    expect(missing).toEqual([]);
  });
});

interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

describe('every field says what it is', () => {
  const { components } = JSON.parse(JSON.stringify(makeDocument(table))) as {
    components: { schemas: Readonly<Record<string, Schema>> };
  };
  const silent: string[] = [];
  let count = 0;
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { properties = {} } = value as Schema;
    for (const [name, field] of Object.entries(properties)) {
      count += 1;
      const target = field.$ref === undefined ? undefined : components.schemas[field.$ref.split('/').at(-1) ?? ''];
      if ((field.description ?? target?.description ?? '') === '') silent.push(`${path}.${name}`);
      walk(field, `${path}.${name}`);
    }
    for (const [key, part] of Object.entries(value)) if (key !== 'properties') walk(part, path);
  };
  walk(components.schemas, '');

  test('in bodies and answers', ({ expect }) => {
    expect(silent).toEqual([]);
    expect(count).toBeGreaterThan(200);
  });

  test('and so does every parameter and every refusal', ({ expect }) => {
    for (const { id, query = {}, errors = {} } of table) {
      for (const text of [...Object.values(query).map(({ description }) => description), ...Object.values(errors)]) {
        expect(text, id).not.toBe('');
      }
    }
  });
});

describe('the example of', () => {
  for (const { id, answer } of shownRoutes) {
    test(`${id} is answered as described`, ({ expect }) => {
      expect(statuses[id]).toBe(200);
      if (answer instanceof z.ZodType) expect(answer.safeParse(answers[id]).error).toBeUndefined();
    });
  }
});
