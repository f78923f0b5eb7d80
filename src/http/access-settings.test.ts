import { describe, test } from 'vitest';
import { makeFakeApi } from '../../test/fakes/api.ts';
import { inForce } from '../../schema/settings.ts';
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

describe('what is in force is shown', () => {
  const config = async (variables: object) => {
    const { send } = makeFakeApi(readAccess({ SHOAL_MODE: 'open', ...variables }));
    return (await send('GET', '/api/v1/agent/config')).json().config;
  };

  test('as it was set', async ({ expect }) => {
    const variables = {
      SHOAL_NODE_APPROVAL: 'manual',
      SHOAL_ALLOWED_ORIGINS: 'https://ui.example, https://b.example',
      SHOAL_RATE_LIMIT: '5',
      DEFAULT_QUEUE_TIMEOUT: '60',
      RETENTION_DAYS: '0.5',
      NODE_RETENTION_DAYS: '3',
      D1_MAX_BYTES: '500000000',
      SHOAL_LOGIN_DAYS: '1',
    };
    const { JobDefaults: defaults, Orchestrator: orchestrator, Shoal: own } = await config(variables);
    expect([defaults.Batch.Task.Timeouts, defaults.Service.Task.Timeouts]).toEqual([
      { QueueTimeout: '1m0s' },
      { QueueTimeout: '1m0s' },
    ]);
    expect(defaults.Ops.Task.Timeouts).toEqual({});
    expect(orchestrator.NodeManager.ManualApproval).toBe(true);
    expect(own).toEqual({
      SHOAL_MODE: 'open',
      SHOAL_AUTH: '',
      SHOAL_NODE_APPROVAL: 'manual',
      SHOAL_ALLOWED_ORIGINS: 'https://ui.example,https://b.example',
      SHOAL_RATE_LIMIT: 5,
      DEFAULT_QUEUE_TIMEOUT: 60,
      RETENTION_DAYS: 0.5,
      NODE_RETENTION_DAYS: 3,
      D1_MAX_BYTES: 500_000_000,
      SHOAL_LOGIN_DAYS: 1,
    });
  });

  test('or as it is by default', async ({ expect }) => {
    const { JobDefaults: defaults, Orchestrator: orchestrator, Shoal: own } = await config({});
    expect(defaults.Batch.Task.Timeouts).toEqual({ QueueTimeout: '24h0m0s' });
    expect(orchestrator.NodeManager).not.toHaveProperty('ManualApproval');
    expect(own).toMatchObject({
      DEFAULT_QUEUE_TIMEOUT: 86_400,
      RETENTION_DAYS: 0,
      NODE_RETENTION_DAYS: 7,
      D1_MAX_BYTES: 0,
    });
  });

  test('zero too: then a job that finds no node fails at once', async ({ expect }) => {
    const { JobDefaults: defaults } = await config({ DEFAULT_QUEUE_TIMEOUT: 0 });
    expect(defaults.Batch.Task.Timeouts).toEqual({ QueueTimeout: '0s' });
  });

  test('what reads it back gets the same settings', ({ expect }) => {
    const access = readAccess({
      SHOAL_MODE: 'open',
      RETENTION_DAYS: '1.25',
      SHOAL_ALLOWED_ORIGINS: 'https://a.example',
    });
    expect(readAccess(inForce(access))).toEqual(access);
  });
});
