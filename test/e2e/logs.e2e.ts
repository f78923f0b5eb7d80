import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dockerJob } from '../harness/api.ts';
import { LogViewer } from '../harness/log-viewer.ts';
import { readRecords } from '../../cli/src/up/state.ts';
import { connectionsTo } from '../harness/sockets.ts';
import { Cuttable } from '../harness/cuttable.ts';
import { Stack, eventually } from '../harness/stack.ts';

let stack: Stack;
beforeAll(async () => void (stack = await Stack.start()));
afterAll(() => stack.stop());

const view = (job: string, query = ''): LogViewer => new LogViewer(stack.api.url, job, query);
const shell = (script: string) => dockerJob(['sh', '-c', script]);

async function finished(script: string): Promise<string> {
  const id = await stack.api.submit(shell(script));
  await stack.api.waitForJob(id, 'Completed');
  return id;
}

describe('the log of a job', () => {
  test('is had after its end: frames as Bacalhau sends them, then 1000 without a reason', async () => {
    const id = await finished('printf "a<b>\\n"; sleep 0.3; echo oops >&2');
    const viewer = view(id);
    expect(await viewer.closed).toEqual({ code: 1000, reason: '' });
    expect(viewer.frames).toEqual([
      '{"value":{"Type":1,"Line":"a\\u003cb\\u003e\\n"}}\n',
      '{"value":{"Type":2,"Line":"oops\\n"}}\n',
    ]);
  });

  test('without follow is what there is, also while it runs; with tail only what comes', async () => {
    const id = await stack.api.submit(shell('echo one; sleep 3; echo two'));
    await stack.api.waitForJob(id, 'Running');
    const following = view(id, 'follow=true');
    await following.sees('one\n');
    const now = view(id);
    const tail = view(id, 'follow=true&tail=true');
    await now.closed;
    expect(now.stdout).toBe('one\n');
    await Promise.all([following.closed, tail.closed]);
    expect(following.stdout).toBe('one\ntwo\n');
    expect(tail.stdout).toBe('two\n');
    const late = view(id, 'tail=true');
    expect(await late.closed).toMatchObject({ code: 1000 });
    expect(late.stdout).toBe('');
  });

  test('keeps streams apart and survives NUL and broken UTF-8, also cut between two pieces', async () => {
    const id = await finished("printf 'a\\000b\\377c\\303'; sleep 0.3; printf '\\251\\n'; printf 'e' >&2");
    const viewer = view(id);
    await viewer.closed;
    expect(viewer.stdout).toBe('a\u{0}b\u{fffd}cé\n');
    expect(viewer.stderr).toBe('e');
  });

  test('of a task that ended before anybody could listen is whole', async () => {
    const id = await finished('true; echo quick');
    const viewer = view(id, 'follow=true');
    await viewer.closed;
    expect(viewer.stdout).toBe('quick\n');
  });

  test('is chosen by execution, version and job, and told in Bacalhau’s words when there is none', async () => {
    const id = await finished('echo chosen');
    const [execution] = await stack.api.executions(id);
    const errors: [job: string, query: string, error: string | RegExp][] = [
      ['no-such-job', '', 'job not found: no-such-job'],
      [
        id,
        'execution_id=e-none',
        `failed to open log stream for job ${id}: unable to find execution e-none in job ${id} and job version 1`,
      ],
      [
        id,
        'job_version=7',
        new RegExp(
          `^failed to open log stream for job ${id}: no executions found for job \\S+ with ID ${id}, and version 7$`,
        ),
      ],
      [id, 'follow=perhaps', /^code=400, message=.*follow/],
    ];
    for (const [job, query, error] of errors) {
      const viewer = view(job, query);
      expect(await viewer.closed).toEqual({ code: 1000, reason: '' });
      expect(viewer.error).toMatch(error);
      expect(viewer.frames[0]).toMatch(/^\{"error":".*","value":\{"Type":0,"Line":""\}\}\n$/);
    }
    const viewer = view(id, `execution_id=${execution?.ID}&job_version=1`);
    await viewer.closed;
    expect(viewer.stdout).toBe('chosen\n');
  });

  test('of a command that does not exist is the reason, also for who follows', async () => {
    const id = await stack.api.submit(dockerJob(['no-such-command']));
    const follower = view(id, 'follow=true');
    await stack.api.waitForJob(id, 'Failed');
    await follower.closed;
    expect(follower.error).toMatch(/has ended as Failed without having run: .*no-such-command/);
    const viewer = view(id, '');
    await viewer.closed;
    expect(viewer.error).toMatch(/has ended as Failed without having run: .*no-such-command/);
  });

  test('of a failed execution is had by the execution’s id', async () => {
    const job = shell('echo before; sleep 60');
    const [first] = job.Tasks;
    const id = await stack.api.submit({ ...job, Tasks: [{ ...first, Timeouts: { ExecutionTimeout: 1 } }] });
    const execution = await eventually(
      async () => (await stack.api.executions(id)).find((one) => one.ComputeState.StateType === 10),
      60_000,
      'a failed execution',
    );
    const viewer = view(id, `execution_id=${execution.ID}`);
    await viewer.closed;
    expect(viewer.stdout).toBe('before\n');
  });
});

describe('an upload', () => {
  test('needs the token of that execution', async () => {
    const id = await finished('true');
    const [execution] = await stack.api.executions(id);
    const path = `/api/v1/compute/executions/${execution?.ID}/log?from=0&next=0&end=true`;
    for (const token of ['', 'Bearer ', `Bearer ${'0'.repeat(64)}`]) {
      expect((await stack.api.call('PUT', path, 'x', { Authorization: token })).status).toBe(401);
    }
  });
});

describe.runIf(process.platform === 'linux')('the log of a task that prints nothing more', () => {
  test('over a WebSocket is streamed, and the agent is let go when its reader leaves', async () => {
    const id = await stack.api.submit(shell('echo begun; sleep 60'));
    await stack.api.waitForJob(id, 'Running');
    const agent = readRecords(stack.state)['agent-1']?.pid ?? 0;
    // One for its session; those for what it stores end by themselves soon after.
    const links = (count: number, what: string) =>
      eventually(async () => (connectionsTo(agent, stack.port) === count ? true : undefined), 40_000, what);
    await links(1, 'nothing more to store');
    const viewer = view(id, 'follow=true');
    await viewer.sees('begun');
    await links(2, 'a link for the log');
    viewer.kill();
    await links(1, 'the link of the agent ended');
    await stack.api.call('DELETE', `/api/v1/orchestrator/jobs/${id}`);
  });
});

describe('while connections break', () => {
  test('every reader gets every line once, in order, and the log is the same with the agent gone', async () => {
    let port = 0;
    const way = await Cuttable.start(() => port);
    const other = await Stack.start({ agentFlags: ['--url', way.url], onPort: (given) => (port = given) });
    try {
      const count = 20_000;
      const script = `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "line $i"; [ $((i % 2000)) = 0 ] && sleep 0.4; done; true`;
      const id = await other.api.submit(shell(script));
      await other.api.waitForJob(id, 'Running');
      const follow = (): LogViewer => new LogViewer(other.api.url, id, 'follow=true');
      const [one, two] = [follow(), follow()];
      await one.sees('line 4000\n', 60_000);
      way.cut();
      await one.sees('line 10000\n', 60_000);
      const three = follow();
      two.kill();
      await one.sees('line 12000\n', 60_000);
      way.cut();
      await Promise.all([one.closed, three.closed]);
      const whole = Array.from({ length: count }, (_, i) => `line ${i + 1}\n`).join('');
      expect(one.stdout === whole).toBe(true);
      expect(three.stdout === whole).toBe(true);
      // Both cuts went through the link of the log, not only through the agent's other ones.
      expect(other.agentLog(1).match(/"log-link.ended"/g)?.length).toBeGreaterThanOrEqual(2);
      await other.api.waitForJob(id, 'Completed');
      await eventually(async () => (other.isAgentClean(1) ? true : undefined), 60_000, 'the log stored away');
      way.shut();
      const late = new LogViewer(other.api.url, id);
      await late.closed;
      expect(late.stdout === whole).toBe(true);
    } finally {
      await other.stop();
      await way.close();
    }
  }, 240_000);

  test('the agent is killed while its task prints: nothing is lost and nothing doubled', async () => {
    const script =
      'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "line $i"; [ $((i % 500)) = 0 ] && sleep 0.7; done; true';
    const id = await stack.api.submit(shell(script));
    const viewer = view(id, 'follow=true');
    await stack.api.waitForJob(id, 'Running');
    await new Promise((resolve) => setTimeout(resolve, 700));
    stack.killAgent(1);
    await stack.api.waitForJob(id, 'Completed');
    const late = view(id);
    await late.closed;
    const whole = Array.from({ length: 3000 }, (_, i) => `line ${i + 1}\n`).join('');
    expect(late.stdout === whole).toBe(true);
    viewer.kill();
  }, 240_000);

  test('the agent is killed while its task prints at full speed: nothing is lost and nothing doubled', async () => {
    const lines = 500_000;
    const id = await stack.api.submit(shell(`sleep 1; seq 1 ${lines} | sed 's/$/ ${'x'.repeat(50)}/'`));
    await stack.api.waitForJob(id, 'Running');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    stack.killAgent(1);
    await stack.api.waitForJob(id, 'Completed', 60_000);
    const late = view(id);
    await late.closed;
    const whole = Array.from({ length: lines }, (_, i) => `${i + 1} ${'x'.repeat(50)}\n`).join('');
    expect([late.stderr, late.stdout.length]).toEqual(['', whole.length]);
    expect(late.stdout === whole).toBe(true);
  }, 240_000);
});
