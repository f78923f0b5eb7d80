import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stack } from '../harness/stack.ts';

const ADMIN = 'admin-of-this-test';
const modes = {
  open: { SHOAL_MODE: 'open' },
  closed: {
    SHOAL_MODE: 'open',
    SHOAL_AUTH: 'required',
    SHOAL_ADMIN_TOKEN: ADMIN,
    SHOAL_NODE_TOKEN: ADMIN,
    SHOAL_RATE_LIMIT: '0',
  },
} as const;
const UPGRADE =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const AUTHORIZATION = `Authorization: Bearer ${ADMIN}\r\n`;

/** As no client library sends it; the status line's number. */
function raw(port: number, path: string, headers: string | Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed without an answer')));
    socket.on('data', (data) => {
      resolve(Number(data.toString('latin1').split(' ')[1]));
      socket.destroy();
    });
    socket.write(Buffer.concat([Buffer.from(`GET ${path} HTTP/1.1\r\n`), Buffer.from(headers), Buffer.from('\r\n')]));
  });
}

const hosts: Readonly<Record<string, string | Buffer>> = {
  'no host': '',
  'an empty one': 'Host:\r\n',
  'a NUL as it is written in an address': 'Host: a%00\r\n',
  'a NUL': Buffer.from('Host: a\0b\r\n'),
  'half a bracket': 'Host: [\r\n',
  'an address without its end': 'Host: [::1\r\n',
  'two hosts': 'Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n',
  'two different ones': 'Host: 127.0.0.1\r\nHost: evil.example\r\n',
  'a blank in it': 'Host: a b\r\n',
  'a user': 'Host: u:p@127.0.0.1\r\n',
  'a path': 'Host: 127.0.0.1/x\r\n',
  'a query': 'Host: 127.0.0.1?x\r\n',
  'a fragment': 'Host: 127.0.0.1#x\r\n',
  'a port out of range': 'Host: 127.0.0.1:65536\r\n',
  'a port that is no number': 'Host: 127.0.0.1:x\r\n',
  'an address out of range': 'Host: 999.999.999.999\r\n',
  'a name of 70,000 characters': `Host: ${'a'.repeat(70_000)}\r\n`,
  'UTF-8': 'Host: h\u00e9.example\r\n',
  'Latin-1': Buffer.from('Host: h\xe9.example\r\n', 'latin1'),
};
const routes = [
  ['/api/v1/agent/alive?pretty', ''],
  ['/api/v1/orchestrator/jobs?limit=1', AUTHORIZATION],
  ['/api/v1/compute/connect', UPGRADE + AUTHORIZATION],
  ['/api/v1/orchestrator/jobs/x/logs', UPGRADE + AUTHORIZATION],
  ['/api/v1/compute/executions/e-1/log', UPGRADE + AUTHORIZATION],
] as const;

describe.each(Object.entries(modes))('%s, over a socket', (_, vars) => {
  let stack: Stack;
  beforeAll(async () => void (stack = await Stack.start({ agents: 0, vars })));
  afterAll(() => stack.stop());

  for (const [what, host] of Object.entries(hosts)) {
    test(`a Host header with ${what} is 400 on every route and upgrade`, async () => {
      for (const [path, more] of routes) {
        const status = await raw(stack.port, path, Buffer.concat([Buffer.from(host), Buffer.from(more)]));
        expect([path, status]).toEqual([path, 400]);
      }
    });
  }
  test('one that is right is answered', async () => {
    expect(await raw(stack.port, '/api/v1/agent/alive', `Host: 127.0.0.1:${stack.port}\r\n`)).toBe(200);
    expect(await raw(stack.port, '/api/v1/compute/connect', `Host: 127.0.0.1\r\n${UPGRADE}${AUTHORIZATION}`)).toBe(101);
  });
  test('150,000 nulls and 9.9 MB of empty tasks are refused, with few words', async () => {
    const headers = { authorization: `Bearer ${ADMIN}` };
    const tasks = `{"Job":{"Type":"batch","Tasks":[${'{},'.repeat(3_300_000)}{}]}}`;
    for (const body of [`[${'null,'.repeat(150_000)}null]`, tasks, '['.repeat(9_000_000)]) {
      const got = await stack.api.call('PUT', '/api/v1/orchestrator/jobs', body, headers);
      expect([got.status, JSON.stringify(got.body).length < 1_000]).toEqual([400, true]);
    }
  });
});

test('closed and embedded: a flood of strangers is refused, who was let in before is not, and alive answers', async () => {
  const vars = { ...modes.closed, SHOAL_RATE_LIMIT: '20' };
  const stack = await Stack.start({ agents: 0, vars });
  const ask = async (path: string, headers: Record<string, string>) =>
    (await stack.api.call('GET', path, undefined, headers)).status;
  const jobs = '/api/v1/orchestrator/jobs';
  try {
    expect(await ask(jobs, { authorization: `Bearer ${ADMIN}` })).toBe(200);
    const flood = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        ask(jobs, { authorization: `Bearer x${i}`, 'cf-connecting-ip': `10.0.0.${i}` }),
      ),
    );
    expect(new Set(flood)).toEqual(new Set([401, 429]));
    expect(await ask(jobs, { authorization: `Bearer ${ADMIN}` })).toBe(200);
    expect(await ask('/api/v1/agent/alive', {})).toBe(200);
  } finally {
    await stack.stop();
  }
});

test('a setting that is misspelt is named, and nothing else is served', async () => {
  const stack = await Stack.start({ agents: 0, vars: { ...modes.open, SHOAL_NODE_APPROVAL: 'Manual' } });
  try {
    const got = await stack.api.get('/nodes');
    expect([got.status, got.body.Message]).toEqual([
      503,
      expect.stringContaining('SHOAL_NODE_APPROVAL=Manual: give manual'),
    ]);
    expect(await raw(stack.port, '/api/v1/compute/connect', `Host: 127.0.0.1\r\n${UPGRADE}`)).toBe(503);
    expect((await stack.api.call('GET', '/api/v1/agent/alive')).status).toBe(200);
  } finally {
    await stack.stop();
  }
});
