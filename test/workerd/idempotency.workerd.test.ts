import { env, exports } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { Env } from '../../src/env.ts';
import { api } from './fake-agent.ts';

const { DB } = env as unknown as Env;
const JOBS = '/orchestrator/jobs';

interface Submitted {
  readonly JobID: string;
  readonly EvaluationID: string;
}

const job = (fields: object = {}) => ({
  Type: 'batch',
  Tasks: [{ Name: 'main', Engine: { Type: 'docker', Params: { Image: 'busybox' } } }],
  ...fields,
});

async function submit(IdempotencyToken: string, fields: object = {}) {
  const { status, body } = await api('PUT', JOBS, { IdempotencyToken, Job: job(fields) });
  return { status, ...(body as Partial<Submitted> & { Message?: string }) };
}

async function count(sql: string): Promise<number> {
  return (await DB.prepare(sql).first<number>('n')) ?? -1;
}

describe('a token of the client', () => {
  test('makes one job of a thousand submits at once', async () => {
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => submit('thousand')));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(await count('SELECT count(*) n FROM jobs')).toBe(1);
    expect(await count('SELECT count(*) n FROM events')).toBe(await count('SELECT event_seq n FROM jobs'));
  });
  test('gets the same answer later, however the request is spelt', async () => {
    const first = await submit('again', { Labels: { a: 'b', c: 'd' } });
    const spelt = { job: { TYPE: 'batch', Count: 1, ...job(), Labels: { c: 'd', a: 'b' }, Meta: null } };
    const response = await exports.default.fetch('http://127.0.0.1/api/v1/orchestrator/jobs', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'again' },
      body: JSON.stringify(spelt),
    });
    expect(await response.json()).toMatchObject({ JobID: first.JobID, EvaluationID: first.EvaluationID });
  });
  test('is refused for another request, and counts within its namespace', async () => {
    const first = await submit('other');
    expect(await submit('other', { Count: 2 })).toMatchObject({
      status: 409,
      Message: 'idempotency token "other" was used for another request',
    });
    const elsewhere = await submit('other', { Namespace: 'elsewhere', Count: 2 });
    expect(elsewhere.status).toBe(200);
    expect(elsewhere.JobID).not.toBe(first.JobID);
  });
  test('lasts a day', async () => {
    const first = await submit('day');
    const left = await count(`SELECT expires_at - ${Date.now()} n FROM commands WHERE token = 'day'`);
    expect(left).toBeGreaterThan(23 * 3_600_000);
    await DB.prepare(`UPDATE commands SET expires_at = 1 WHERE token = 'day'`).run();
    const later = await submit('day', { Count: 2 });
    expect(later.status).toBe(200);
    expect(later.JobID).not.toBe(first.JobID);
  });
  test('is not used up by a refusal', async () => {
    await submit('', { Name: 'unchanged' });
    expect((await submit('refused', { Name: 'unchanged' })).status).toBe(409);
    expect((await submit('refused', { Name: 'unchanged', Count: 2 })).status).toBe(200);
  });
  test('is not two tokens', async () => {
    const response = await exports.default.fetch('http://127.0.0.1/api/v1/orchestrator/jobs', {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'a' },
      body: JSON.stringify({ IdempotencyToken: 'b', Job: job() }),
    });
    expect(response.status).toBe(400);
  });
});

test('labels are those of the current version', async () => {
  const ids = async (selector: string) => {
    const { body } = await api('GET', `${JOBS}?labels=${encodeURIComponent(selector)}`);
    return (body as { Items: { ID: string }[] }).Items.map(({ ID }) => ID);
  };
  const { JobID } = await submit('', { Name: 'labelled', Labels: { colour: 'red', old: 'yes' } });
  expect(await ids('colour=red')).toEqual([JobID]);
  await submit('', { Name: 'labelled', Labels: { colour: 'blue' } });
  expect([await ids('colour=red'), await ids('old'), await ids('colour in (blue,green)')]).toEqual([[], [], [JobID]]);
});
