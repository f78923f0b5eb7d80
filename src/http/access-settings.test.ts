import { describe, test } from 'vitest';
import { makeFakeApi } from '../../test/fakes/api.ts';
import { readAccess } from './access-settings.ts';

const open = { SHOAL_MODE: 'open' };
const closed = { ...open, SHOAL_AUTH: 'required' };

describe('who may call', () => {
  test.for([
    [open, 'open', 0],
    [closed, 'closed', 1_000],
    [{}, 'closed', 1_000],
    [{ SHOAL_AUTH: 'required' }, 'closed', 1_000],
    [{ ...closed, SHOAL_RATE_LIMIT: '0' }, 'closed', 0],
    [{ ...open, SHOAL_RATE_LIMIT: '5' }, 'open', 5],
    [{ SHOAL_MODE: 'Open' }, 'closed', 1_000],
    [{ ...open, SHOAL_AUTH: 'Required' }, 'closed', 1_000],
  ] as const)('%j is %s with %i requests a second', ([settings, mode, limit], { expect }) => {
    const access = readAccess(settings);
    expect([access.mode, access.requestsPerSecond]).toEqual([mode, limit]);
  });
  test('is told apart by address only where the platform says it', ({ expect }) => {
    expect([readAccess({}).addressHeader, readAccess(closed).addressHeader]).toEqual(['CF-Connecting-IP', null]);
  });
});

describe('a setting that cannot be read', () => {
  const { problems } = readAccess({ ...open, ...{ SHOAL_NODE_APPROVAL: 'Manual', RETENTION_DAYS: 'abc' } });
  test('is named', ({ expect }) => {
    expect(problems).toEqual([
      'SHOAL_NODE_APPROVAL=Manual: give manual, or leave it out',
      'RETENTION_DAYS=abc: give a number from 0 to 36500',
    ]);
  });
  test('closes every route but alive and its like', async ({ expect }) => {
    const { send } = makeFakeApi({ problems });
    for (const path of ['/api/v1/agent/alive', '/api/v1/agent/version'])
      expect((await send('GET', path)).status).toBe(200);
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/api/v1/auth'],
      ['PUT', '/api/v1/orchestrator/jobs'],
      ['GET', '/api/v1/compute/connect'],
    ] as const) {
      const got = await send(method, path, undefined, { Upgrade: 'websocket' });
      expect([got.status, got.json().Message]).toEqual([503, expect.stringContaining('SHOAL_NODE_APPROVAL=Manual')]);
    }
  });
});
