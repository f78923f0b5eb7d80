import { describe, test } from 'vitest';
import { makeFakeApi } from '../../test/fakes/api.ts';
import { FakeD1 } from '../../test/fakes/d1.ts';
import { findLogOwner } from '../store/reads/log-owner.ts';

const JOBS = '/api/v1/orchestrator/jobs';
const TOKENS = '/api/v1/shoal/tokens';

describe('what is wrong with the database is told apart', () => {
  test.for([
    ['D1_ERROR: network connection lost', 503, 'the database does not answer'],
    ['D1_ERROR: database is locked: SQLITE_BUSY', 503, 'the database does not answer'],
    [
      'D1_ERROR: database or disk is full: SQLITE_FULL',
      507,
      'the disk or the database is full: nothing can be written',
    ],
    ['D1_ERROR: Exceeded maximum DB size', 507, 'the disk or the database is full: nothing can be written'],
    ['D1_ERROR: attempt to write a readonly database: SQLITE_READONLY', 503, 'the database refuses to be written'],
    [
      "Your account has exceeded D1's free tier daily row read limit. Upgrade to a paid plan",
      503,
      "the plan's daily limit of the database is used up",
    ],
    [
      'D1_ERROR: no such table: jobs: SQLITE_ERROR',
      503,
      'the database has no tables yet, or not all of them: run npx wrangler d1 migrations apply shoal --remote',
    ],
  ] as const)('%s', async ([text, status, message], { expect }) => {
    const { db, send } = makeFakeApi();
    db.faults.push({ error: new Error(text) });
    const got = await send('GET', JOBS);
    expect([got.status, got.json().Message]).toEqual([status, message]);
    expect(got.json().Hint).not.toBe('');
    // What SQLite said is for operators.
    expect(got.text).not.toContain('SQLITE');
  });

  test('also where the Worker itself writes', async ({ expect }) => {
    const { db, send } = makeFakeApi();
    db.sqlite.exec('PRAGMA query_only = 1');
    const got = await send('POST', TOKENS, { Capabilities: ['read:job'] });
    expect([got.status, got.json().Message]).toEqual([503, 'the database refuses to be written']);
    db.sqlite.exec('PRAGMA query_only = 0');
    expect((await send('POST', TOKENS, { Capabilities: ['read:job'] })).status).toBe(200);
  });

  test('also by whether it is ready, which anybody may ask', async ({ expect }) => {
    const { db, send } = makeFakeApi({ mode: 'closed', adminToken: 'admin-of-this-test' });
    const ready = async () => (await send('GET', '/api/v1/shoal/ready')).status;
    expect(await ready()).toBe(200);
    db.faults.push({ error: new Error('D1_ERROR: network connection lost') });
    expect(await ready()).toBe(503);
    db.faults.push({ error: new Error('D1_ERROR: network connection lost') });
    expect((await send('GET', '/api/v1/agent/alive')).status).toBe(200);
  });

  test('also where a log is looked for', async ({ expect }) => {
    const db = new FakeD1();
    db.faults.push({ error: new Error('D1_ERROR: network connection lost') });
    await expect(findLogOwner(db, 'e-x')).rejects.toMatchObject({ shape: { status: 503 } });
  });

  test.for([
    ['the database does not answer: D1_ERROR: network connection lost', 'unknown outcome: the database did not answer'],
    ['another scheduler took over', 'unknown outcome: the scheduler did not answer'],
  ] as const)('and from a scheduler that does not answer: %s', async ([text, message], { expect }) => {
    const { scheduler, send } = makeFakeApi();
    scheduler.command = async () => {
      throw new Error(text);
    };
    const Job = { Type: 'batch', Tasks: [{ Name: 'main', Engine: { Type: 'docker' } }] };
    const got = await send('PUT', JOBS, { Job });
    expect([got.status, got.json().Message]).toEqual([503, message]);
  });
});
