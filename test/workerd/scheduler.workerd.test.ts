import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { applyD1Migrations, type D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_CELL } from '../../schema/ids.ts';
import { FRAME_CHARS_AT_ONCE } from '../../schema/limits.ts';
import { closeCodes, MIN_PROTOCOL_VERSION, PROTOCOL_VERSION } from '../../schema/protocol/version.ts';
import type { Env } from '../../src/env.ts';
import worker from '../../src/index.ts';
import { api, completed, eventually, FakeAgent, stateOf, submit } from './fake-agent.ts';

const { DB, SCHEDULER, MIGRATIONS } = env as unknown as Env & { MIGRATIONS: D1Migration[] };
const stub = () => SCHEDULER.getByName(DEFAULT_CELL);

beforeEach(() => applyD1Migrations(DB, MIGRATIONS));
afterEach(() => reset());

async function count(sql: string): Promise<number> {
  return (await DB.prepare(sql).first<number>('n')) ?? -1;
}

describe('a job over the real object and D1', () => {
  test('goes from HTTP to an agent and back', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    const jobId = await submit();
    const run = await agent.next('run');
    expect(run).toMatchObject({ jobId, jobVersion: 1, partition: 0, task: { Engine: { Type: 'docker' } } });
    agent.ack(run);
    agent.report(run, 1, { state: 'Running' });
    const Phases = { queue: 3, create: 250, run: 40 };
    agent.report(run, 2, { ...completed, phases: Phases });
    expect((await agent.next('ackReport')).seq).toBe(1);
    expect((await agent.next('ackReport')).seq).toBe(2);
    expect(await stateOf(jobId)).toBe('Completed');
    const { body } = await api('GET', `/orchestrator/jobs/${jobId}/executions`);
    expect(body).toMatchObject({ Items: [{ RunOutput: { Stdout: 'hi\n' }, Phases }] });
    expect(JSON.stringify((await api('GET', `/orchestrator/jobs/${jobId}/history`)).body)).toContain(
      '"QueueMs":"3","CreateMs":"250","RunMs":"40"',
    );
    expect(await count('SELECT count(*) n FROM jobs WHERE active = 1')).toBe(0);
  });

  test('many at once share turns and all end', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    const ids = await Promise.all(
      Array.from({ length: 50 }, () =>
        submit({ Tasks: [{ Name: 'm', Engine: { Type: 'docker' }, Resources: { CPU: '10m', Memory: '1mb' } }] }),
      ),
    );
    for (let i = 0; i < 50; i++) agent.report(await agent.next('run'), 1, completed);
    await eventually(async () => (await count("SELECT count(*) n FROM jobs WHERE state = 'Completed'")) === 50);
    expect(new Set(ids).size).toBe(50);
    const commits = await count('SELECT commit_seq n FROM fence');
    expect(commits).toBeLessThan(120);
  });
});

describe('after an eviction', () => {
  test('a hibernated socket goes on, and an unanswered run is sent again', async () => {
    const agent = new FakeAgent('n-a');
    const first = await agent.connect();
    const jobId = await submit();
    const run = await agent.next('run');
    await evictDurableObject(stub());
    await submit();
    const again = await agent.next('run');
    expect(again).toMatchObject({ executionId: run.executionId, session: first.session });
    expect(again.epoch).toBeGreaterThan(first.epoch);
    agent.report(run, 1, completed);
    await eventually(async () => (await stateOf(jobId)) === 'Completed');
  });

  test('a report that wakes the object is taken and acknowledged', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    const jobId = await submit();
    const run = await agent.next('run');
    agent.ack(run);
    await eventually(async () => (await stateOf(jobId)) === 'Running');
    await evictDurableObject(stub());
    agent.report(run, 1, completed);
    expect((await agent.next('ackReport')).executionId).toBe(run.executionId);
    expect(await stateOf(jobId)).toBe('Completed');
  });

  test('a close that wakes the object marks the node', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    await evictDurableObject(stub());
    agent.close();
    await eventually(async () => (await count("SELECT count(*) n FROM nodes WHERE connection = 'DISCONNECTED'")) === 1);
  });

  test('an old object that lives on can write nothing: it is fenced', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    await submit();
    // Another Scheduler takes over behind the object's back.
    await DB.prepare('UPDATE fence SET epoch = epoch + 1000').run();
    const jobId = await submit();
    expect(await stateOf(jobId)).toBe('Pending');
    expect(await count('SELECT count(*) n FROM jobs')).toBe(2);
  });
});

describe('alarms', () => {
  test('an idle installation has none, also after its last job', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    await submit();
    agent.report(await agent.next('run'), 1, completed);
    await agent.next('ackReport');
    expect(await runDurableObjectAlarm(stub())).toBe(false);
  });

  test('one is set for the deadline of a run, and a lease alarm needs no load', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    const before = Date.now();
    const jobId = await submit();
    const at = await runInDurableObject(stub(), (_, ctx) => ctx.storage.getAlarm());
    expect(at).toBeGreaterThan(before);
    agent.ack(await agent.next('run'));
    await eventually(async () => (await stateOf(jobId)) === 'Running');
    await evictDurableObject(stub());
    const epoch = await count('SELECT epoch n FROM fence');
    await runInDurableObject(stub(), (_, ctx) => ctx.storage.put('alarm', { besidesLeases: null }));
    expect(await runDurableObjectAlarm(stub())).toBe(true);
    expect(await count('SELECT epoch n FROM fence')).toBe(epoch);
    expect(await runInDurableObject(stub(), (_, ctx) => ctx.storage.getAlarm())).toBeGreaterThan(before);
  });
});

test('a deadline holds through evictions', async () => {
  const jobId = await submit({
    Tasks: [{ Name: 'm', Engine: { Type: 'docker' }, Timeouts: { TotalTimeout: 1 } }],
  });
  expect(await stateOf(jobId)).toBe('Queued');
  for (const until = Date.now() + 1_500; Date.now() < until;) {
    await evictDurableObject(stub()).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await runDurableObjectAlarm(stub());
  await eventually(async () => (await stateOf(jobId)) === 'Failed');
});

describe('a socket', () => {
  test('gets pong without the object', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    agent.sendText('ping');
    await eventually(() =>
      runInDurableObject(stub(), (_, ctx) =>
        ctx.getWebSockets().some((socket) => ctx.getWebSocketAutoResponseTimestamp(socket) !== null),
      ),
    );
  });

  test('that speaks before hello, or nonsense, is closed with the reason', async () => {
    const early = new FakeAgent('n-a');
    await early.dial();
    early.send({ type: 'bye', reason: '' });
    expect(await early.closing()).toMatchObject({ code: closeCodes.protocolError, reason: 'bye before hello' });
    const nonsense = new FakeAgent('n-b');
    await nonsense.dial();
    nonsense.sendText('{"type":"hello"}');
    expect(await nonsense.closing()).toMatchObject({ code: 1007 });
  });

  test('of an older session is closed when the node says hello again', async () => {
    const [first, second] = [new FakeAgent('n-a'), new FakeAgent('n-a')];
    await first.connect();
    await second.connect();
    expect(await first.closing()).toMatchObject({ code: closeCodes.replaced });
    await submit();
    expect((await second.next('run')).type).toBe('run');
  });
});

test('the cron pokes an overdue Scheduler and leaves an idle one alone', async () => {
  const scheduled = () => worker.scheduled?.({} as ScheduledController, env as unknown as Env, {} as ExecutionContext);
  const agent = new FakeAgent('n-a');
  await agent.connect();
  await submit();
  await agent.next('run');
  await evictDurableObject(stub());
  const epoch = await count('SELECT epoch n FROM fence');
  await scheduled();
  expect(await count('SELECT epoch n FROM fence')).toBe(epoch);
  await DB.prepare('UPDATE fence SET next_wake = 1').run();
  await runInDurableObject(stub(), (_, ctx) => ctx.storage.put('alarm', { at: 1, besidesLeases: 1 }));
  await scheduled();
  expect(await count('SELECT epoch n FROM fence')).toBeGreaterThan(epoch);
});

describe('a cron that finds a wake-up overdue', () => {
  const scheduled = () => worker.scheduled?.({} as ScheduledController, env as unknown as Env, {} as ExecutionContext);
  const fence = () => DB.prepare('SELECT epoch, commit_seq AS seq, next_wake AS wake FROM fence').first();

  test('loads nothing while the alarm of the sleeping object is ahead, or is about leases that hold', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    const jobId = await submit();
    agent.ack(await agent.next('run'));
    await eventually(async () => (await stateOf(jobId)) === 'Running');
    await evictDurableObject(stub());
    await DB.prepare('UPDATE fence SET next_wake = 1').run();
    const before = await fence();
    const begin = Date.now();
    const alarms = [
      { at: Date.now() + 600_000, besidesLeases: Date.now() + 600_000 },
      { at: 1, besidesLeases: null },
    ];
    for (const alarm of alarms) {
      await runInDurableObject(stub(), (_, ctx) => ctx.storage.put('alarm', alarm));
      await scheduled();
      expect(await fence()).toEqual(before);
    }
    // The second one was lost: it is set again.
    expect(await runInDurableObject(stub(), (_, ctx) => ctx.storage.getAlarm())).toBeGreaterThan(begin);
  });

  test('although nothing is owed mends the row once, and finds nothing the next time', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    await evictDurableObject(stub());
    await DB.prepare('UPDATE fence SET next_wake = 1').run();
    await scheduled();
    const mended = await fence();
    expect(mended).toMatchObject({ wake: 0 });
    for (let i = 0; i < 3; i++) await scheduled();
    expect(await fence()).toEqual(mended);
  });
});

describe('a node that was rejected', () => {
  const change = (Action: string) => api('PUT', '/orchestrator/nodes/n-a', { Action });

  test.each([
    ['this', PROTOCOL_VERSION],
    ['the version before', MIN_PROTOCOL_VERSION],
  ])('and is approved again works at once, on the connection that it has: an agent of %s', async (_, protocol) => {
    const agent = new FakeAgent('n-a');
    const { session } = await agent.connect([], { protocol });
    await change('reject');
    expect((await agent.next('welcome')).mode).toBe('stopOnly');
    const jobId = await submit();
    expect(await stateOf(jobId)).toBe('Queued');
    await change('approve');
    expect(await agent.next('welcome')).toMatchObject({ mode: 'active', session });
    expect(await agent.next('run')).toMatchObject({ jobId, session });
    expect(agent.closed).toBeNull();
  });

  test('while it was away, and comes back, is emptied, waits over a hibernation, and works when it is approved', async () => {
    const agent = new FakeAgent('n-a');
    await agent.connect();
    await submit();
    const run = await agent.next('run');
    agent.ack(run);
    agent.close();
    await change('reject');
    const again = await agent.connect([{ executionId: run.executionId, state: 'Running', lastSeq: 1 }]);
    expect(again.mode).toBe('stopOnly');
    expect((await agent.next('stop')).executionId).toBe(run.executionId);
    agent.report(run, 2, { state: 'Cancelled', message: 'stopped' });
    await agent.next('ackReport');
    await evictDurableObject(stub());
    agent.frames.length = 0;
    await change('approve');
    for (;;) if ((await agent.next('welcome')).mode === 'active') break;
    expect((await agent.next('run')).executionId).not.toBe(run.executionId);
  });
});

describe('whoever has the node token', () => {
  test('and floods its connection is closed with 1008, and others are served', async () => {
    const [loud, quiet] = [new FakeAgent('n-loud'), new FakeAgent('n-quiet')];
    await loud.connect();
    await quiet.connect();
    const frame = `{"type":"later","x":"${'x'.repeat(1_000_000)}"}`;
    for (let i = 0; i < 2 * (FRAME_CHARS_AT_ONCE / 1_000_000); i++) loud.sendText(frame);
    expect(await loud.closing()).toMatchObject({ code: 1008 });
    const jobId = await submit();
    expect(await quiet.next('run')).toMatchObject({ jobId });
  });

  test('is told why in a reason of any script', async () => {
    const agent = new FakeAgent('n-a');
    await agent.dial();
    agent.sendText(JSON.stringify({ type: 'hello', labels: { ['é'.repeat(330)]: 'x' } }));
    expect(await agent.closing()).toMatchObject({ code: 1007, reason: expect.stringContaining('hello: ') });
  });
});
