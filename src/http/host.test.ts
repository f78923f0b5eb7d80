import { describe, test } from 'vitest';
import { makeFakeApi } from '../../test/fakes/api.ts';

const closed = { mode: 'closed', adminToken: 'admin', nodeToken: 'node' } as const;
const UPGRADE = { Upgrade: 'websocket' };
const routes = [
  ['/api/v1/agent/alive?pretty', {}],
  ['/api/v1/orchestrator/jobs', { Authorization: 'Bearer admin' }],
  ['/nothing', {}],
  ['/api/v1/compute/connect', { ...UPGRADE, Authorization: 'Bearer node' }],
  ['/api/v1/orchestrator/jobs/x/logs', { ...UPGRADE, Authorization: 'Bearer admin' }],
] as const;

const unreadable = [
  'a%00',
  '[',
  ']',
  '[::1',
  '::1',
  '[fe80::1%25lo]',
  '[x]',
  '127.0.0.1, 127.0.0.1',
  '127.0.0.1,evil.example',
  '',
  ':80',
  'a b',
  'u:p@127.0.0.1',
  '127.0.0.1@evil.example',
  '127.0.0.1:99999',
  '127.0.0.1:65536',
  '127.0.0.1:-1',
  '127.0.0.1:x',
  '127.0.0.1:80:80',
  '127.0.0.1/x',
  '127.0.0.1?x',
  '127.0.0.1#x',
  '127.0.0.1\\x',
  '<',
  '%31',
  '999.999.999.999',
  '127.0.0.1*',
  'h\u00e9.example',
  'a'.repeat(260),
  `${'a'.repeat(70_000)}:80`,
];

describe('a host that is none is refused on every route, open or closed', () => {
  for (const host of unreadable) {
    test(JSON.stringify(host.slice(0, 40)), async ({ expect }) => {
      for (const access of [{}, closed]) {
        const { send } = makeFakeApi(access);
        for (const [path, headers] of routes) {
          const got = await send('GET', path, undefined, { ...headers, Host: host });
          expect([path, got.status, got.text.length < 600]).toEqual([path, 400, true]);
          expect(got.json().Message).toMatch(/^Host: ".*" given; one host name or address is allowed, with a port/);
        }
      }
    });
  }
});

test.for(['shoal.example', 'shoal.example:8443', 'my_host', '[::1]:65535', '10.0.0.1:', 'xn--bcher-kva.example'])(
  'closed: host %s is one',
  async (host, { expect }) => {
    const { send } = makeFakeApi(closed);
    expect((await send('GET', '/api/v1/agent/alive', undefined, { Host: host })).status).toBe(200);
  },
);
