import { describe, test } from 'vitest';
import { MAX_CREDENTIAL_BODY_BYTES, MAX_JSON_BYTES, MAX_JSON_VALUES, MAX_PROBLEMS } from '../../schema/limits.ts';
import { makeFakeApi } from '../../test/fakes/api.ts';
import { seedJob, seedNode } from '../../test/fakes/seed.ts';

const JOBS = '/api/v1/orchestrator/jobs';
const JOB = 'j-aaaaaaaa-0000-4000-8000-000000000001';
const TOKENS = '/api/v1/shoal/tokens';
const LOGIN = '/api/v1/auth/ClientKey';

/** Every route that reads a JSON body. */
const routes = [
  ['PUT', JOBS],
  ['POST', JOBS],
  ['PUT', `${JOBS}/diff`],
  ['DELETE', `${JOBS}/${JOB}`],
  ['PUT', `${JOBS}/${JOB}/rerun`],
  ['PUT', '/api/v1/orchestrator/nodes/n-one'],
  ['POST', TOKENS],
  ['POST', LOGIN],
] as const;

function seeded() {
  const api = makeFakeApi();
  seedJob(api.db, { id: JOB, name: 'mine', namespace: 'default' });
  seedNode(api.db, { id: 'n-one' });
  return api;
}

const list = (text: string, times: number) => `[${Array.from({ length: times }, () => text).join(',')}]`;

describe('a body is looked over before it is parsed, on every route', () => {
  for (const [method, path] of routes) {
    const takesCredentials = path === TOKENS || path === LOGIN;
    const most = takesCredentials ? MAX_CREDENTIAL_BODY_BYTES : MAX_JSON_BYTES;
    const large = takesCredentials ? 'Request Entity Too Large' : `more than ${MAX_JSON_BYTES} of them`;
    const cases: [string, string, number, string][] = [
      ['nested lists', `{"Job":${'['.repeat(1_000)}`, 400, 'nested more than 64 deep'],
      ['long text', `{"Name":"${'x'.repeat(most)}"}`, 413, large],
    ];
    if (!takesCredentials) {
      const values = `more than ${MAX_JSON_VALUES} JSON values`;
      cases.push(['150,000 nulls', list('null', 150_000), 400, values]);
      cases.push(['150,000 null tasks', `{"Job":{"Tasks":${list('null', 150_000)}}}`, 400, values]);
      cases.push(['empty tasks', `{"Job":{"Tasks":${list('{}', 100_000)}}}`, 400, values]);
    }
    for (const [what, body, status, message] of cases) {
      test(`${method} ${path}: ${what}`, async ({ expect }) => {
        const got = await seeded().send(method, path, body);
        expect([got.status, got.json().Message]).toEqual([status, expect.stringContaining(message)]);
        expect(got.text.length).toBeLessThan(1_000);
      });
    }
  }
  test('the data inside a login too', async ({ expect }) => {
    const got = await seeded().send('POST', LOGIN, { MethodData: btoa('['.repeat(10_000)) });
    expect([got.status, got.json().Message]).toEqual([400, expect.stringContaining('nested more than 64 deep')]);
  });
});

const task = { Name: 'main', Engine: { Type: 'docker', Params: { Image: 'x' } } };
const many = <T>(times: number, item: (i: number) => T): T[] => Array.from({ length: times }, (_, i) => item(i));
const map = (times: number, value: unknown) => Object.fromEntries(many(times, (i) => [`K${i}`, value]));

describe('an answer tells at most ten problems, and never sends back what was sent', () => {
  const long = 'x'.repeat(900_000);
  const bodies: Record<string, object> = {
    'nulls as tasks': { Tasks: many(16, () => null) },
    'too many tasks': { Tasks: many(40_000, () => ({})) },
    'empty tasks': { Tasks: many(16, () => ({})) },
    'numbers as constraints': { Tasks: [task], Constraints: many(2_000, () => 7) },
    'numbers in constraints': {
      Tasks: [task],
      Constraints: [{ Key: 'a', Operator: 'in', Values: many(40_000, () => 7) }],
    },
    'empty constraints': { Tasks: [task], Constraints: many(2_000, () => ({})) },
    'too many constraints': { Tasks: [task], Constraints: many(40_000, () => ({})) },
    'labels that are numbers': { Tasks: [task], Labels: map(10_000, 1) },
    'too many labels': { Tasks: [task], Labels: map(40_000, 'v') },
    'lower-case variables': { Tasks: [{ ...task, Env: { [long]: 'x' } }] },
    'variables that are lists': { Tasks: [{ ...task, Env: map(10_000, []) }] },
    'bad domains': { Tasks: [{ ...task, Network: { Type: 'HTTP', Domains: many(2_000, () => '!') } }] },
    'a long domain': { Tasks: [{ ...task, Network: { Type: 'HTTP', Domains: ['a-'.repeat(400_000)] } }] },
    'ports without a name': {
      Tasks: [{ ...task, Network: { Type: 'Bridge', Ports: many(2_000, () => ({ Static: 1 })) } }],
    },
    'ports that are fractions': { Tasks: [{ ...task, Network: { Ports: many(2_000, () => ({ Static: 1.5 })) } }] },
    'inputs without a target': { Tasks: [{ ...task, InputSources: many(2_000, () => ({})) }] },
    'equal inputs': { Tasks: [{ ...task, InputSources: many(2_000, (i) => ({ Alias: `a${i >> 1}`, Target: 'b' })) }] },
    'relative result paths': { Tasks: [{ ...task, ResultPaths: many(2_000, (i) => ({ Name: `n${i}`, Path: 'p' })) }] },
    'reserved meta keys': {
      Tasks: [],
      Meta: Object.fromEntries(many(20_000, (i) => [`bacalhau.org/${i}`, ''])),
    },
    'a long type': { Tasks: [task], Type: long },
    'a long name of a task': { Tasks: [{ ...task, Name: long }] },
    'a long operator': { Tasks: [task], Constraints: [{ Key: 'a', Operator: long, Values: [] }] },
    'a long amount': {
      Tasks: [{ ...task, Resources: { CPU: '1'.repeat(900_000) + 'x', Memory: '1'.repeat(40_000) + '!' } }],
    },
    'a long address': { Tasks: [{ ...task, Network: { Type: 'Host', Ports: [{ Name: 'a', HostNetwork: long }] } }] },
    'a number beyond all bounds': { Tasks: [{ ...task, Engine: { Type: 'docker', Params: { X: 'INFINITE' } } }] },
  };
  for (const [what, job] of Object.entries(bodies)) {
    test(what, async ({ expect }) => {
      const body = JSON.stringify({ Job: { Type: 'batch', ...job } }).replace('"INFINITE"', '1e999');
      const got = await makeFakeApi().send('PUT', JOBS, body);
      expect(got.status).toBe(400);
      expect(got.json().Message.split('\n').length).toBeLessThanOrEqual(MAX_PROBLEMS + 1);
      expect(got.text.length).toBeLessThan(5_000);
    });
  }
  test('says how many more there are', async ({ expect }) => {
    const got = await makeFakeApi().send('PUT', JOBS, { Job: { Type: 'batch', Tasks: many(16, () => ({})) } });
    expect(got.json().Message.split('\n').at(-1)).toBe('(and 22 more)');
  });
  test('names the list that is too long', async ({ expect }) => {
    const got = await makeFakeApi().send('PUT', JOBS, { Job: { Type: 'batch', Tasks: many(17, () => task) } });
    expect(got.json().Message).toBe('Job.Tasks: 17 entries, at most 16 are allowed');
  });
  test('of a token', async ({ expect }) => {
    const got = await makeFakeApi().send('POST', TOKENS, { Capabilities: many(5_000, (i) => `c${i}`) });
    expect([got.status, got.json().Message.split('\n').length]).toEqual([400, MAX_PROBLEMS + 1]);
    const named = await makeFakeApi().send('POST', TOKENS, { Capabilities: ['c'.repeat(60_000)] });
    expect(named.text.length).toBeLessThan(500);
  });
  test('of a node, a path and a request id', async ({ expect }) => {
    const { send } = seeded();
    const node = await send('PUT', '/api/v1/orchestrator/nodes/n-one', { Action: long });
    expect([node.status, node.text.length < 500]).toEqual([400, true]);
    const path = await send('GET', `${JOBS}/${'y'.repeat(60_000)}`, undefined, { 'X-Request-Id': 'z'.repeat(60_000) });
    expect([path.status, path.text.length < 5_000]).toEqual([404, true]);
  });
});

test('a job answers with at most ten warnings about its keys', async ({ expect }) => {
  const Meta = Object.fromEntries(many(1_000, (i) => [`bacalhau.org/${i}`, '']));
  const got = await makeFakeApi().send('PUT', JOBS, { Job: { Type: 'batch', Tasks: [task], Meta } });
  expect(got.status).toBe(200);
  const warnings = got.json().Warnings as string[];
  expect(warnings.filter((text) => text.startsWith('job meta key'))).toHaveLength(MAX_PROBLEMS);
  expect(warnings[MAX_PROBLEMS]).toBe('(and 990 more)');
});

test('an input may be larger than what else a body holds', async ({ expect }) => {
  const source = { Source: { Type: 'inline', Params: { URL: `data:,${'x'.repeat(200_000)}` } }, Target: '/in' };
  const padding = 'y'.repeat(900_000);
  const got = await makeFakeApi().send('PUT', JOBS, {
    Job: { Type: 'batch', Tasks: [{ ...task, InputSources: [source] }] },
    Ignored: padding,
  });
  expect(got.status).toBe(200);
});

describe('large bodies', () => {
  const long = JSON.stringify({ Job: { Name: `data:${'x'.repeat(1_100_000)}` } });
  const wide = JSON.stringify({ Job: { Name: many(3_000, () => 1) } });
  for (const [what, body, headers] of [
    ['of a length that is announced', long, { 'Content-Length': String(long.length) }],
    ['of a length that is not', long, {}],
    ['of many values', wide, {}],
  ] as const) {
    test(`${what} take turns, and not too many wait`, async ({ expect }) => {
      const { send, pauses } = makeFakeApi();
      const statuses: number[] = [];
      for (let i = 0; i < 13; i++) statuses.push((await send('PUT', JOBS, body, headers)).status);
      expect(statuses).toEqual([...Array.from({ length: 11 }, () => 400), 429, 429]);
      expect(pauses).toEqual([200, 400, 600, 800, 1_000, 1_200, 1_400, 1_600, 1_800, 2_000]);
      expect((await send('PUT', JOBS, {})).status).toBe(400);
    });
  }
});
