import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { Env } from '../../src/env.ts';
import { api, completed, FakeAgent, stateOf, submit } from './fake-agent.ts';

interface Page {
  readonly NextToken: string;
  readonly Items: readonly { readonly SeqNum: number; readonly Event: { readonly Topic: string } }[];
}

const { DB } = env as unknown as Env;
/** As `job run --wait` asks. */
const LIMIT = 10;

async function read(jobId: string, token: string): Promise<Page> {
  const query = `event_type=all&limit=${LIMIT}${token === '' ? '' : `&next_token=${token}`}`;
  return (await api('GET', `/orchestrator/jobs/${jobId}/history?${query}`)).body as Page;
}

/** A client that polls as `job run --wait` does, until the token is empty. */
class Follower {
  readonly seen: number[] = [];
  readonly #jobId: string;
  #token = '';

  constructor(jobId: string) {
    this.#jobId = jobId;
  }

  /** @returns whether it would ask again */
  async poll(): Promise<boolean> {
    const { Items, NextToken } = await read(this.#jobId, this.#token);
    this.seen.push(...Items.map(({ SeqNum }) => SeqNum));
    this.#token = NextToken;
    return NextToken !== '';
  }

  /** @returns how many polls it took until the token was empty */
  async toTheEnd(): Promise<number> {
    for (let polls = 1; ; polls += 1) if (!(await this.poll())) return polls;
  }
}

/** Makes all that is stored of jobs older. */
async function letPass(ms: number): Promise<void> {
  await DB.batch([
    DB.prepare('UPDATE jobs SET created_at = created_at - ?1, modified_at = modified_at - ?1').bind(ms),
    DB.prepare('UPDATE executions SET created_at = created_at - ?1, modified_at = modified_at - ?1').bind(ms),
    DB.prepare('UPDATE events SET created_at = created_at - ?1').bind(ms),
  ]);
}

const failed = {
  state: 'Failed',
  failure: { class: 'permanent', message: 'no such image', hint: '', topic: 'Preparing Environment' },
  output: null,
} as const;

describe('following a job by its history', () => {
  for (const [name, ageMs, outcome, state] of [
    ['of a moment', 0, completed, 'Completed'],
    ['of half a minute', 30_000, completed, 'Completed'],
    ['of a day', 24 * 3_600_000, completed, 'Completed'],
    ['that fails', 200, failed, 'Failed'],
  ] as const) {
    test(`lasts as long as a job ${name}, and ends with it`, async () => {
      const agent = new FakeAgent('n-a');
      await agent.connect();
      const jobId = await submit();
      const run = await agent.next('run');
      agent.ack(run);
      agent.report(run, 1, { state: 'Running' });
      await agent.next('ackReport');
      const follower = new Follower(jobId);
      for (let polls = 0; polls < 5; polls += 1) expect(await follower.poll()).toBe(true);
      await letPass(ageMs);
      for (let polls = 0; polls < 5; polls += 1) expect(await follower.poll()).toBe(true);
      const before = follower.seen.length;
      agent.report(run, 2, outcome);
      await agent.next('ackReport');
      // Once the end is stored, every poll but the last brings a full page.
      const polls = await follower.toTheEnd();
      expect(polls).toBeLessThanOrEqual(1 + Math.floor((follower.seen.length - before) / LIMIT));
      expect(await stateOf(jobId)).toBe(state);
      expect(follower.seen).toEqual(follower.seen.map((_, i) => i + 1));
      agent.close();
    });
  }

  test('never ends before the job does, over a thousand polls', async () => {
    const agent = new FakeAgent('n-b');
    await agent.connect();
    const jobId = await submit();
    const run = await agent.next('run');
    agent.ack(run);
    const follower = new Follower(jobId);
    for (let polls = 0; polls < 1_000; polls++) {
      if (polls === 500) agent.report(run, 1, { state: 'Running' });
      if (!(await follower.poll())) throw new Error(`empty at poll ${polls}`);
    }
    agent.report(run, 2, completed);
    await follower.toTheEnd();
    expect(await stateOf(jobId)).toBe('Completed');
  });
});
