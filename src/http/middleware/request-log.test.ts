import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, test, vi } from 'vitest';
import { makeFakeApi } from '../../../test/fakes/api.ts';

const JOBS = '/api/v1/orchestrator/jobs';
const NODES = '/api/v1/orchestrator/nodes';
const TOKENS = '/api/v1/shoal/tokens';
const ADMIN = { Authorization: 'Bearer admin-of-this-test' };

const lines: { event: string; status: number; principal: string }[] = [];
beforeEach(() => {
  lines.length = 0;
  for (const method of ['log', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((line: unknown) => void lines.push(JSON.parse(String(line))));
  }
});
afterEach(() => vi.restoreAllMocks());

/** Status and principal of the newest line. */
const said = () => {
  const last = lines.findLast(({ event }) => event === 'request');
  return [last?.status, last?.principal];
};
const closed = () => makeFakeApi({ mode: 'closed', adminToken: 'admin-of-this-test', nodeToken: 'node-of-this-test' });

describe('the line of a request in closed mode names nobody', () => {
  test.for([
    ['GET', JOBS, {}, 401],
    ['GET', JOBS, { Authorization: 'Bearer wrong' }, 401],
    ['GET', JOBS, { Authorization: 'Basic YTpi' }, 401],
    ['GET', JOBS, { Authorization: 'Digest x' }, 401],
    ['GET', '/nothing', {}, 401],
    ['GET', '/api/v1/compute/connect', ADMIN, 401],
    ['GET', '/api/v1/agent/alive', {}, 200],
    ['GET', '/api/v1/auth', {}, 200],
    ['POST', '/api/v1/auth/other', {}, 404],
  ] as const)('%s %s %j: %i', async ([method, path, headers, status], { expect }) => {
    await closed().send(method, path, undefined, headers);
    expect(said()).toEqual([status, '-']);
  });
});

test('who shows the admin token is the operator, who shows the node token a node', async ({ expect }) => {
  const { send } = closed();
  await send('GET', JOBS, undefined, ADMIN);
  expect(said()).toEqual([200, 'operator']);
  await send('GET', '/api/v1/compute/connect', undefined, { Authorization: 'Bearer node-of-this-test' });
  expect(said()).toEqual([400, 'node']);
});

describe('a 403 is of who was refused, and of nobody else', () => {
  test.for([
    ['what it may not do', { Capabilities: ['read:job'] }, 'PUT', JOBS],
    ['what only an operator may', { Capabilities: ['read:*', 'write:*'] }, 'GET', TOKENS],
    ['nodes, limited to namespaces', { Capabilities: ['*'], Namespaces: ['a'] }, 'GET', NODES],
  ] as const)('%s', async ([, request, method, path], { expect }) => {
    const { send } = closed();
    const made = (await send('POST', TOKENS, request, ADMIN)).json();
    await send(method, path, undefined, { Authorization: `Bearer ${made.Secret}` });
    expect(said()).toEqual([403, made.Token.ID]);
  });
});

describe('in open mode', () => {
  test('everybody is the operator', async ({ expect }) => {
    const { send } = makeFakeApi();
    await send('GET', JOBS);
    expect(said()).toEqual([200, 'operator']);
  });
  test('but not who is refused before that', async ({ expect }) => {
    const { send } = makeFakeApi();
    await send('GET', JOBS, undefined, { Origin: 'https://evil.example' });
    expect(said()).toEqual([403, '-']);
  });
  test('nor who fails to log in all the same', async ({ expect }) => {
    const { send } = makeFakeApi();
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'pkcs1', format: 'der' });
    const data = JSON.stringify({ PhraseSignature: btoa('not it'), PublicKey: key.toString('base64') });
    const got = await send('POST', '/api/v1/auth/ClientKey', { MethodData: btoa(data) });
    expect([got.status, ...said()]).toEqual([401, 401, '-']);
  });
});
