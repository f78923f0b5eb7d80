import { describe, expect, test } from 'vitest';
import { api, completed, FakeAgent, stateOf, submit } from './fake-agent.ts';

interface Page {
  readonly NextToken: string;
  readonly Items: readonly { readonly SeqNum: number; readonly Event: { readonly Topic: string } }[];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function read(jobId: string, query: string): Promise<Page> {
  return (await api('GET', `/orchestrator/jobs/${jobId}/history?${query}`)).body as Page;
}

/** Polls as `job run --wait` does, until the token is empty. */
async function follow(jobId: string, everyMs: number) {
  let token = '';
  const seen: number[] = [];
  let polls = 0;
  do {
    await pause(everyMs);
    const query = `event_type=all&limit=10${token === '' ? '' : `&next_token=${token}`}`;
    const page = await read(jobId, query);
    seen.push(...page.Items.map(({ SeqNum }) => SeqNum));
    token = page.NextToken;
    polls += 1;
  } while (token !== '');
  return { seen, polls, state: await stateOf(jobId) };
}

const failed = {
  state: 'Failed',
  failure: { class: 'permanent', message: 'no such image', hint: '', topic: 'Preparing Environment' },
  output: null,
} as const;

describe('following a job by its history', () => {
  for (const [name, ms, outcome, state] of [
    ['of a second', 1_000, completed, 'Completed'],
    ['of half a minute', 30_000, completed, 'Completed'],
    ['that fails', 200, failed, 'Failed'],
  ] as const) {
    test(`ends right after a job ${name}`, { timeout: ms + 30_000 }, async () => {
      const agent = new FakeAgent('n-a');
      await agent.connect();
      const jobId = await submit();
      const run = await agent.next('run');
      agent.ack(run);
      agent.report(run, 1, { state: 'Running' });
      // What holds work must be heard within its lease.
      const heartbeat = setInterval(() => agent.sendText('ping'), 5_000);
      const end = pause(ms).then(() => {
        clearInterval(heartbeat);
        agent.report(run, 2, outcome);
        return Date.now();
      });
      const got = await follow(jobId, 500);
      expect(Date.now() - (await end)).toBeLessThan(1_500);
      expect(got.state).toBe(state);
      expect(got.seen).toEqual(got.seen.map((_, i) => i + 1));
      agent.close();
    });
  }

  test('never ends before the job does, over a thousand polls', async () => {
    const agent = new FakeAgent('n-b');
    await agent.connect();
    const jobId = await submit();
    const run = await agent.next('run');
    agent.ack(run);
    let token = '';
    for (let polls = 0; polls < 1_000; polls++) {
      if (polls === 500) agent.report(run, 1, { state: 'Running' });
      const query = `event_type=all&limit=10&next_token=${token}`;
      token = (await read(jobId, query)).NextToken;
      if (token === '') throw new Error(`empty at poll ${polls}`);
    }
    agent.report(run, 2, completed);
    expect((await follow(jobId, 10)).state).toBe('Completed');
  });
});
