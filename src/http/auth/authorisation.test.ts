import { describe, test } from 'vitest';
import { makeFakeApi } from '../../../test/fakes/api.ts';
import { FakeD1 } from '../../../test/fakes/d1.ts';
import { LOGGED, makeFakeLogs } from '../../../test/fakes/logs.ts';
import { seedJob, seedNode } from '../../../test/fakes/seed.ts';
import { capabilities, type Capability } from '../../../schema/credentials.ts';
import type { LogsPort } from '../../logs/port.ts';
import { routerPath, table } from '../routes/table.ts';

const ADMIN = { Authorization: 'Bearer admin-of-this-test' };
const OWN = 'j-aaaaaaaa-0000-4000-8000-000000000001';
const FOREIGN = 'j-aaaaaaaa-0000-4000-8000-000000000002';
const NODE = 'n-one';
const JOBS = '/api/v1/orchestrator/jobs';
const NODES = '/api/v1/orchestrator/nodes';
const AGENT = '/api/v1/agent';
const TOKENS = '/api/v1/shoal/tokens';

const job = (namespace: string, name = '') => ({
  Job: { Type: 'batch', Name: name, Namespace: namespace, Tasks: [{ Name: 'main', Engine: { Type: 'docker' } }] },
});

interface Route {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** Which capabilities open it. */
  readonly by: readonly Capability[];
  /** Status in the own namespace, and in a foreign one where the route knows namespaces. */
  readonly own: number;
  /** When the second time is answered otherwise: a job that waits is not run again. */
  readonly again?: number;
  readonly foreign?: number;
}

const read = (resource: 'job' | 'node' | 'agent'): Capability[] => ['*', 'read:*', `read:${resource}`];
const write = (resource: 'job' | 'node' | 'agent'): Capability[] => ['*', 'write:*', `write:${resource}`];

/** `{id}` becomes a job of the own or of the foreign namespace. */
const routes: readonly Route[] = [
  { method: 'GET', path: `${AGENT}/node`, by: read('agent'), own: 200 },
  { method: 'GET', path: `${AGENT}/debug`, by: read('agent'), own: 200 },
  { method: 'GET', path: `${AGENT}/config`, by: read('agent'), own: 200 },
  { method: 'POST', path: `${AGENT}/config`, by: write('agent'), own: 404 },
  { method: 'GET', path: JOBS, by: read('job'), own: 200 },
  { method: 'PUT', path: JOBS, body: '{submit}', by: write('job'), own: 200, foreign: 403 },
  { method: 'POST', path: JOBS, body: '{submit}', by: write('job'), own: 200, foreign: 403 },
  { method: 'POST', path: '/api/v1/shoal/dry-run', body: '{submit}', by: write('job'), own: 200, foreign: 403 },
  { method: 'PUT', path: `${JOBS}/diff`, body: '{diff}', by: write('job'), own: 200, foreign: 404 },
  { method: 'GET', path: `${JOBS}/{id}`, by: read('job'), own: 200, foreign: 404 },
  { method: 'GET', path: `${JOBS}/{id}?include=executions,history`, by: read('job'), own: 200, foreign: 404 },
  { method: 'DELETE', path: `${JOBS}/{id}`, by: write('job'), own: 200, foreign: 404 },
  { method: 'PUT', path: `${JOBS}/{id}/rerun`, body: {}, by: write('job'), own: 200, again: 409, foreign: 400 },
  { method: 'GET', path: `${JOBS}/{id}/history`, by: read('job'), own: 200, foreign: 404 },
  { method: 'GET', path: `${JOBS}/{id}/executions`, by: read('job'), own: 200, foreign: 404 },
  { method: 'GET', path: `${JOBS}/{id}/versions`, by: read('job'), own: 200, foreign: 404 },
  { method: 'GET', path: `${JOBS}/{id}/results`, by: read('job'), own: 200, foreign: 404 },
  { method: 'GET', path: `${JOBS}/{id}/logs`, by: read('job'), own: 200, foreign: 404 },
  { method: 'GET', path: '/api/v1/orchestrator/executions/{id}/logs', by: read('job'), own: 200, foreign: 404 },
  { method: 'GET', path: NODES, by: read('node'), own: 200 },
  { method: 'GET', path: `${NODES}/${NODE}`, by: read('node'), own: 200 },
  { method: 'PUT', path: `${NODES}/${NODE}`, body: { Action: 'drain' }, by: write('node'), own: 200 },
  { method: 'GET', path: TOKENS, by: ['*'], own: 200 },
  { method: 'POST', path: TOKENS, body: { Capabilities: ['read:job'] }, by: ['*'], own: 200 },
  { method: 'DELETE', path: `${TOKENS}/t-x`, by: ['*'], own: 404 },
  { method: 'GET', path: '/api/v1/openapi.json', by: read('agent'), own: 200 },
  { method: 'GET', path: '/api/v1/docs', by: read('agent'), own: 200 },
  { method: 'GET', path: '/', by: write('node'), own: 301 },
  { method: 'GET', path: '/livez', by: write('node'), own: 301 },
  { method: 'GET', path: '/api/v1/nothing', by: write('node'), own: 404 },
  { method: 'GET', path: '/api/v1/requester/list', by: write('node'), own: 410 },
];

const fake = makeFakeLogs().logs;
/** A log for each job, which is that of an execution of the same id. */
const logs: LogsPort = {
  ...fake,
  findOwner: async (id) => {
    const owner = await fake.findOwner(id);
    return owner === null ? null : { ...owner, namespace: id === OWN ? 'own' : 'foreign' };
  },
  choose: async () => LOGGED,
  read: async () => new Response('a log'),
};

async function closedApi() {
  const access = { mode: 'closed', adminToken: 'admin-of-this-test' } as const;
  const api = makeFakeApi(access, new FakeD1(), { logs });
  const ended = { state: 'Stopped', active: 0 } as const;
  seedJob(api.db, { id: OWN, name: 'mine', namespace: 'own', ...ended });
  seedJob(api.db, { id: FOREIGN, name: 'theirs', namespace: 'foreign', ...ended });
  seedNode(api.db, { id: NODE });
  const token = async (fields: object) => {
    const got = await api.send('POST', TOKENS, fields, ADMIN);
    if (got.status !== 200) throw new Error(got.text);
    return { Authorization: `Bearer ${got.json().Secret}` };
  };
  return { ...api, token };
}

function bodyOf({ body }: Route, namespace: string): unknown {
  const name = namespace === 'own' ? 'mine' : 'theirs';
  if (body === '{submit}') return job(namespace);
  return body === '{diff}' ? job(namespace, name) : body;
}

describe('every route with every capability', () => {
  for (const route of routes) {
    for (const capability of capabilities) {
      const may = route.by.includes(capability);
      test(`${route.method} ${route.path} with ${capability}: ${may ? 'yes' : 'no'}`, async ({ expect }) => {
        const { send, token } = await closedApi();
        const ask = async (headers: Record<string, string>, id: string, namespace: string) =>
          send(route.method, route.path.replace('{id}', id), bodyOf(route, namespace), headers);
        const everywhere = await token({ Capabilities: [capability] });
        const got = await ask(everywhere, OWN, 'own');
        expect(got.status).toBe(may ? route.own : 403);
        if (!may) {
          expect(got.json()).toMatchObject({
            Code: 'Forbidden',
            Component: 'Authorizer',
            Message: 'Request Forbidden',
          });
          expect(got.json().Details.reason).toMatch(
            /^user 'API key ending in \.\.\..{5}' does not have the required capability '[a-z:*]+'$/,
          );
        }
        const limited = await token({ Capabilities: [capability], Namespaces: ['own'] });
        const ofAll = [TOKENS, NODES].some((path) => route.path.startsWith(path));
        expect((await ask(limited, OWN, 'own')).status).toBe(may && !ofAll ? (route.again ?? route.own) : 403);
        if (route.foreign === undefined) return;
        expect((await ask(limited, FOREIGN, 'foreign')).status).toBe(may ? route.foreign : 403);
        expect((await ask(everywhere, FOREIGN, 'foreign')).status).toBe(may ? route.own : 403);
      });
    }
  }
});

test('every route that needs a capability is in the table', ({ expect }) => {
  const known = routes.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '').replace(NODE, ':id')}`);
  const missing = table
    .filter(({ method, needs }) => method !== 'all' && !['nobody', 'node', 'execution'].includes(needs))
    .map((route) => `${route.method.toUpperCase()} ${routerPath(route)}`)
    .filter(
      (route) =>
        !known.includes(route.replace(/(jobs|executions)\/:id/, '$1/{id}').replace('tokens/:id', 'tokens/t-x')),
    );
  expect(missing).toEqual([]);
});

describe('a token for one namespace', () => {
  const limited = async () => {
    const api = await closedApi();
    const headers = await api.token({ Capabilities: ['read:job', 'write:job'], Namespaces: ['own', 'second'] });
    return { ...api, get: (path: string) => api.send('GET', path, undefined, headers), headers };
  };
  test('sees its own jobs alone', async ({ expect }) => {
    const { get } = await limited();
    const ids = async (query: string) =>
      (await get(`${JOBS}${query}`)).json().Items.map((item: { ID: string }) => item.ID);
    expect(await ids('')).toEqual([OWN]);
    expect(await ids('?namespace=*')).toEqual([OWN]);
    expect(await ids('?namespace=foreign')).toEqual([]);
    expect(await ids('?namespace=own&limit=1')).toEqual([OWN]);
  });
  test('meets no conflict with foreign ids', async ({ expect }) => {
    const { get } = await limited();
    expect((await get(`${JOBS}/j-aaaaaaaa`)).json().Job.ID).toBe(OWN);
    expect((await get(`${JOBS}/theirs?namespace=foreign`)).status).toBe(404);
    expect((await get(`${JOBS}/${FOREIGN}`)).json().Message).toBe(`job not found: ${FOREIGN}`);
  });
  test('is told why it may not submit elsewhere', async ({ expect }) => {
    const { send, headers } = await limited();
    const got = await send('PUT', JOBS, job(''), headers);
    const { Details, Hint } = got.json();
    expect([got.status, Details.reason]).toEqual([
      403,
      expect.stringMatching(/^user 'API key ending in .*' does not have access to namespace 'default'$/),
    ]);
    // What a command line prints.
    expect(Hint).toBe(`The ${Details.reason}.`);
  });
  for (const [method, path] of [
    ['GET', NODES],
    ['GET', `${NODES}/${NODE}`],
    ['PUT', `${NODES}/${NODE}`],
  ] as const) {
    test(`has no say in nodes: ${method} ${path}`, async ({ expect }) => {
      const { send, token, scheduler } = await closedApi();
      const headers = await token({ Name: 'ana', Capabilities: ['*'], Namespaces: ['own'] });
      const got = await send(method, path, method === 'PUT' ? { Action: 'drain' } : undefined, headers);
      expect([got.status, got.json().Details.reason]).toEqual([
        403,
        "user 'ana' does not have access to all namespaces",
      ]);
      expect(scheduler.changes).toEqual([]);
    });
  }
  test('cannot make tokens, whatever it may do', async ({ expect }) => {
    const { send, token } = await closedApi();
    const headers = await token({ Name: 'ana', Capabilities: ['*'], Namespaces: ['own'] });
    const got = await send('POST', TOKENS, { Capabilities: ['*'] }, headers);
    expect([got.status, got.json().Details.reason]).toEqual([403, "user 'ana' does not have access to all namespaces"]);
  });
});
