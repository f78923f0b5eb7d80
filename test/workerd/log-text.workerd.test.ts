import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STDERR, STDOUT } from '../../schema/protocol/log-link.ts';
import { api, completed, eventually, FakeAgent, stateOf, submit } from './fake-agent.ts';
import { admin, call, chunkOf, makeToken, Printing, Reader, TOKENS } from './log-world.ts';

const JOBS = '/api/v1/orchestrator/jobs';
const EXECUTIONS = '/api/v1/orchestrator/executions';

let agent: FakeAgent;
beforeAll(async () => {
  agent = new FakeAgent('n-of-log-texts');
  await agent.connect();
});
afterAll(() => agent.close());

const read = async (path: string, headers: Record<string, string> = {}) => {
  const response = await call('GET', path, { ...admin, ...headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
};

/** A job that has ended, and whose log is stored. */
async function finished(more: Record<string, unknown> = {}): Promise<{ job: string; printing: Printing }> {
  const job = await submit(more);
  const printing = await Printing.take(agent);
  await printing.store(new Uint8Array([...chunkOf(STDOUT, 'one ü\n'), ...chunkOf(STDERR, 'oops\n')]));
  await printing.store(chunkOf(STDOUT, 'two'), true);
  agent.report(printing, 1, completed);
  await eventually(async () => (await stateOf(job)) === 'Completed');
  return { job, printing };
}

describe('a log as text', () => {
  test('is what was printed, of both streams or of one, by job and by execution', async () => {
    const { job, printing } = await finished();
    for (const path of [`${JOBS}/${job}/logs`, `${EXECUTIONS}/${printing.executionId}/logs`]) {
      const got = await read(path);
      expect([got.status, got.headers.get('Content-Type')]).toEqual([200, 'text/plain; charset=utf-8']);
      expect(got.text).toBe('one ü\noops\ntwo');
      expect((await read(`${path}?stream=stdout`)).text).toBe('one ü\ntwo');
      expect((await read(`${path}?stream=stderr&follow=true`)).text).toBe('oops\n');
      expect((await read(`${path}?tail=true`)).text).toBe('');
    }
    const wrong = await read(`${JOBS}/${job}/logs?stream=stdin`);
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('stream: \\"stdin\\": give stdout or')]);
    expect((await read(`${EXECUTIONS}/e-none/logs`)).status).toBe(404);
    expect((await read(`${JOBS}/j-none/logs`)).status).toBe(404);
  });

  test('is had in ranges of bytes where it is stored', async () => {
    const { job } = await finished();
    const path = `${JOBS}/${job}/logs`;
    const whole = new TextEncoder().encode('one ü\noops\ntwo');
    const ranges: readonly (readonly [range: string, first: number, last: number])[] = [
      ['bytes=0-0', 0, 0],
      ['bytes=5-8', 5, 8],
      ['bytes=9-', 9, 14],
      ['bytes=-4', 11, 14],
      ['bytes=3-999', 3, 14],
    ];
    for (const [Range, first, last] of ranges) {
      const response = await call('GET', path, { ...admin, Range });
      expect([response.status, response.headers.get('Content-Range')]).toEqual([206, `bytes ${first}-${last}/15`]);
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(whole.subarray(first, last + 1));
    }
    expect((await read(`${path}?stream=stdout`, { Range: 'bytes=-3' })).text).toBe('two');
    const beyond = await read(path, { Range: 'bytes=15-' });
    expect([beyond.status, beyond.headers.get('Content-Range')]).toEqual([416, 'bytes */15']);
    expect((await read(path, { Range: 'lines=1-2' })).status).toBe(200);
  });

  test('needs read:job and the job’s namespace', async () => {
    const { job, printing } = await finished({ Namespace: 'texts' });
    const paths = [`${JOBS}/${job}/logs`, `${EXECUTIONS}/${printing.executionId}/logs`];
    const own = await makeToken({ Namespaces: ['texts'] });
    const foreign = await makeToken({ Namespaces: ['others'] });
    const node = await makeToken({ Capabilities: ['read:node'] });
    for (const path of paths) {
      const statusOf = async (headers: Record<string, string>) => (await call('GET', path, headers)).status;
      expect(await statusOf(own.headers)).toBe(200);
      expect(await statusOf(foreign.headers)).toBe(404);
      expect(await statusOf(node.headers)).toBe(403);
      expect(await statusOf({})).toBe(401);
    }
  });

  test('ends with its token, breaks off, and says so in its last line', async () => {
    const job = await submit();
    const printing = await Printing.take(agent);
    await printing.store(chunkOf(STDOUT, 'half a line'));
    const { id, headers } = await makeToken({});
    const { body } = await call('GET', `${JOBS}/${job}/logs?follow=true`, headers);
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader?.read())?.value ?? '';
    await call('DELETE', `${TOKENS}/${id}`, admin);
    await expect(
      (async () => {
        for (;;) {
          const got = await reader?.read();
          if (got === undefined || got.done) return;
          text += got.value;
        }
      })(),
    ).rejects.toThrow();
    expect(text).toBe('half a line\n[shoal] the log ends here: the token that it is read by was revoked\n');
    agent.report(printing, 1, completed);
  });
});

describe('a follower of a job that waits', () => {
  const waiting = { Constraints: [{ Key: 'zone', Operator: '=', Values: ['nowhere-yet'] }] };

  test('gets its log once it runs, over a WebSocket and as text', async () => {
    const job = await submit({ Constraints: [{ Key: 'zone', Operator: '=', Values: ['late'] }] });
    expect((await read(`${JOBS}/${job}/logs`)).status).toBe(404);
    const [socket, text] = [await Reader.open(job, admin), read(`${JOBS}/${job}/logs?follow=true`)];
    const late = new FakeAgent('n-that-comes-late');
    await late.connect([], { labels: { zone: 'late' } });
    const printing = await Printing.take(late);
    await printing.store(chunkOf(STDOUT, 'at last\n'), true);
    expect(await socket.closed).toBe(1000);
    expect(socket.text).toBe('{"value":{"Type":1,"Line":"at last\\n"}}\n');
    expect((await text).text).toBe('at last\n');
    late.report(printing, 1, completed);
    late.close();
  });

  test('lets the agent go, whose task runs at last, when he leaves', async () => {
    const job = await submit({ Constraints: [{ Key: 'zone', Operator: '=', Values: ['later'] }] });
    const socket = await Reader.open(job, admin);
    const late = new FakeAgent('n-that-comes-later');
    await late.connect([], { labels: { zone: 'later' } });
    const printing = await Printing.take(late);
    await late.next('openLog');
    const { closed } = await printing.link();
    socket.close();
    expect(await closed).toBe(1000);
    late.report(printing, 1, completed);
    late.close();
  });

  test('hears why when the job ends without having run', async () => {
    const job = await submit(waiting);
    const [socket, text] = [await Reader.open(job, admin), call('GET', `${JOBS}/${job}/logs?follow=true`, admin)];
    await api('DELETE', `/orchestrator/jobs/${job}?reason=changed%20my%20mind`);
    expect(await socket.closed).toBe(1000);
    expect(socket.text).toMatch(/"error":"job \S+ has ended as Stopped without having run: changed my mind"/);
    await expect((await text).text()).rejects.toThrow();
  });

  test('goes on to the next execution when the first could not be started', async () => {
    const job = await submit();
    const first = await Printing.take(agent);
    const [socket, text] = [await Reader.open(job, admin), read(`${JOBS}/${job}/logs?follow=true`)];
    const away = {
      class: 'environment',
      message: 'the disk is full',
      hint: '',
      topic: 'Preparing Environment',
    } as const;
    agent.report(first, 1, { state: 'Failed', failure: away, output: null });
    const second = await Printing.take(agent);
    await second.store(chunkOf(STDOUT, 'this time\n'), true);
    expect(await socket.closed).toBe(1000);
    expect(socket.text).toBe('{"value":{"Type":1,"Line":"this time\\n"}}\n');
    expect((await text).text).toBe('this time\n');
    agent.report(second, 1, completed);
  });

  test('hears why when no execution could be started', async () => {
    const job = await submit();
    const printing = await Printing.take(agent);
    const socket = await Reader.open(job, admin);
    const failure = { class: 'permanent', message: 'no such command', hint: '', topic: 'Running Execution' } as const;
    agent.report(printing, 1, { state: 'Failed', failure, output: null });
    expect(await socket.closed).toBe(1000);
    expect(socket.text).toMatch(/"error":"job \S+ has ended as Failed without having run: .*no such command/);
  });

  test('is let go when its token is revoked while it waits', async () => {
    const job = await submit(waiting);
    const { id, headers } = await makeToken({});
    const socket = await Reader.open(job, headers);
    await call('DELETE', `${TOKENS}/${id}`, admin);
    expect(await socket.closed).toBe(1000);
    expect(socket.text).toContain('was revoked');
    await api('DELETE', `/orchestrator/jobs/${job}`);
  });

  test('of a version that is no more, or without follow, is told at once that there is nothing', async () => {
    const job = await submit(waiting);
    for (const query of ['follow=true&job_version=7', 'follow=false']) {
      const socket = await Reader.open(job, admin, query);
      await socket.closed;
      expect(socket.text).toContain('no executions found for job');
    }
    await api('DELETE', `/orchestrator/jobs/${job}`);
  });
});

describe('the log of a job that did not end well', () => {
  test('is had without the execution’s id after a stop, with RunOutput', async () => {
    const job = await submit();
    const printing = await Printing.take(agent);
    agent.report(printing, 1, { state: 'Running' } as never);
    await printing.store(chunkOf(STDOUT, 'line 1\n'));
    await api('DELETE', `/orchestrator/jobs/${job}`);
    await agent.next('stop');
    await printing.store(chunkOf(STDOUT, 'line 2\n'), true);
    const output = { ...outputOf('line 1\nline 2\n'), exitCode: 137 };
    agent.report(printing, 2, { state: 'Cancelled', message: 'enough', output });
    const shown = async () => {
      const { body } = await api('GET', `/orchestrator/jobs/${job}/executions`);
      return (body as { Items: { RunOutput?: { Stdout: string; ExitCode: number } | null }[] }).Items[0]?.RunOutput;
    };
    await eventually(async () => ((await shown())?.Stdout ?? '') !== '');
    expect(await shown()).toMatchObject({ Stdout: 'line 1\nline 2\n', ExitCode: 137 });
    expect((await read(`${JOBS}/${job}/logs`)).text).toBe('line 1\nline 2\n');
    const socket = await Reader.open(job, admin, '');
    await socket.closed;
    expect(socket.text).toContain('"Line":"line 2\\n"');
  });

  test('is that of an execution which printed, not of one that never ran', async () => {
    const job = await submit();
    const printing = await Printing.take(agent);
    await printing.store(chunkOf(STDERR, 'why it broke\n'), true);
    const failure = { class: 'permanent', message: 'broke', hint: '', topic: 'Running Execution' } as const;
    agent.report(printing, 1, { state: 'Failed', failure, output: null });
    await eventually(async () => (await stateOf(job)) === 'Failed');
    expect((await read(`${JOBS}/${job}/logs`)).text).toBe('why it broke\n');
    const silent = await submit();
    agent.report(await Printing.take(agent), 1, { state: 'Failed', failure, output: null });
    await eventually(async () => (await stateOf(silent)) === 'Failed');
    const got = await read(`${JOBS}/${silent}/logs`);
    expect([got.status, got.text]).toEqual([
      404,
      expect.stringMatching(/has ended as Failed without having run: .*broke/),
    ]);
  });
});

function outputOf(stdout: string) {
  return { stdout, stdoutTruncated: false, stderr: '', stderrTruncated: false, exitCode: 0, errorMessage: '' };
}
