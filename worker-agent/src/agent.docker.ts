import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterEach, beforeAll, beforeEach, describe, test } from 'vitest';
import type { FromAgent, Reject } from '@shoal/schema/protocol/from-agent';
import { FakeScheduler } from './testing/fake-scheduler.ts';
import { shell } from './testing/run-spec.ts';

let bundle: string;
let stateDir: string;
let scheduler: FakeScheduler;
let agents: ChildProcess[] = [];
const docker = new Docker();

beforeAll(async () => {
  const built = (await import(new URL('../build.mjs', import.meta.url).href)) as { buildAgent(): Promise<string> };
  bundle = await built.buildAgent();
});

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'shoal-agent-'));
  scheduler = await FakeScheduler.start();
});

afterEach(async () => {
  for (const agent of agents) await killed(agent);
  agents = [];
  await scheduler.close();
  try {
    // A killed agent's last removal may still be under way: then this one is refused.
    await eventually(async () => {
      const left = await ownContainers();
      await Promise.allSettled(left.map(({ Id }) => docker.getContainer(Id).remove({ force: true })));
      return left.length === 0;
    });
  } finally {
    await rm(stateDir, { recursive: true });
  }
});

function startAgent(env: Readonly<Record<string, string>> = {}): ChildProcess {
  const agent = spawn(process.execPath, [bundle, '--state', stateDir, '--url', scheduler.url], {
    env: { ...process.env, SHOAL_NODE_ID: '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  agents.push(agent);
  return agent;
}

async function killed(agent: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
  if (agent.exitCode !== null || agent.signalCode !== null) return agent.exitCode;
  const gone = once(agent, 'exit');
  agent.kill(signal);
  await gone;
  return agent.exitCode;
}

/** Containers of the agent under test. */
async function ownContainers(): Promise<Docker.ContainerInfo[]> {
  const nodeId = (await readFile(join(stateDir, 'node-id'), 'utf8').catch(() => 'none')).trim();
  return docker.listContainers({ all: true, filters: { label: [`shoal.node=${nodeId}`] } });
}

async function eventually(check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error('it did not come to that in 30 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('the agent as users get it', () => {
  test('says what it offers, takes a task, reports it and leaves no container', async ({ expect }) => {
    startAgent();
    const hello = await scheduler.hello();
    expect(hello).toMatchObject({
      engines: ['docker'],
      publishers: ['noop'],
      sources: ['inline'],
      holds: [],
      more: false,
    });
    expect(hello.nodeId).toMatch(/^n-[0-9a-f-]{36}$/);
    expect(hello.labels).toMatchObject({ os_type: 'linux', name: hello.nodeId });
    const spec = shell('echo hello; exit 7');
    scheduler.run(spec);
    expect(await scheduler.ended(spec.executionId)).toMatchObject({
      state: 'Completed',
      output: { stdout: 'hello\n', exitCode: 7 },
    });
    await eventually(async () => (await ownContainers()).length === 0);
  });

  test('after kill -9 it takes up what runs and what ended meanwhile, and runs nothing twice', async ({ expect }) => {
    const first = startAgent();
    const { nodeId } = await scheduler.hello();
    const long = shell('echo long $(cat /proc/sys/kernel/random/uuid); sleep 4; echo done');
    const short = shell('echo short; sleep 1; exit 3');
    scheduler.run(long);
    scheduler.run(short);
    await scheduler.running(long.executionId);
    await scheduler.running(short.executionId);
    await killed(first);
    const before = (await ownContainers()).map((one) => one.Id).sort();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    startAgent();
    const again = await scheduler.hello(2);
    expect(again.nodeId).toBe(nodeId);
    expect(again.holds.map((one) => one.executionId).sort()).toEqual([long.executionId, short.executionId].sort());
    // The same tasks may be asked for again: they are known.
    scheduler.run(long);
    scheduler.run(short);
    expect(await scheduler.ended(short.executionId)).toMatchObject({ output: { stdout: 'short\n', exitCode: 3 } });
    expect((await ownContainers()).every((one) => before.includes(one.Id))).toBe(true);
    const end = await scheduler.ended(long.executionId);
    expect(end).toMatchObject({
      state: 'Completed',
      output: { stdout: expect.stringMatching(/^long [0-9a-f-]+\ndone\n$/) },
    });
    await eventually(async () => (await ownContainers()).length === 0);
  });

  test('killed again and again at any moment, it runs every task once and loses none', async ({ expect }) => {
    const resources = { cpu: 0.1, memory: 16_000_000, disk: 0, gpu: 0 };
    const tasks = Array.from({ length: 12 }, (_, i) =>
      shell(`cat /proc/sys/kernel/random/uuid; sleep ${1 + (i % 4)}`, { resources }),
    );
    const waits = [150, 400, 250, 900, 600, 50];
    for (const [round, waitMs] of waits.entries()) {
      const agent = startAgent();
      await scheduler.hello(round + 1);
      // What was not acknowledged is asked for again, as the Scheduler does; two more tasks come each time.
      for (const spec of tasks.slice(0, (round + 1) * 2)) scheduler.run(spec);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await killed(agent);
    }
    startAgent();
    await scheduler.hello(waits.length + 1);
    for (const spec of tasks) scheduler.run(spec);
    for (const spec of tasks) await scheduler.ended(spec.executionId);
    for (const { executionId } of tasks) {
      const ends = scheduler.frames.filter(
        (one) => one.type === 'report' && one.executionId === executionId && one.state !== 'Running',
      );
      // However often it is said, it is the same end of the same run.
      expect(new Set(ends.map((one) => JSON.stringify(one))).size).toBe(1);
      expect(ends[0]).toMatchObject({
        state: 'Completed',
        output: { exitCode: 0, stdout: expect.stringMatching(/^\S{36}\n$/) },
      });
    }
    await eventually(async () => (await ownContainers()).length === 0);
  });

  test('a report that was not acknowledged comes again from the next process', async ({ expect }) => {
    scheduler.acknowledges = false;
    const first = startAgent();
    await scheduler.hello();
    const spec = shell('echo once');
    scheduler.run(spec);
    const report = await scheduler.ended(spec.executionId);
    await killed(first);
    scheduler.frames.length = 0;
    scheduler.acknowledges = true;
    startAgent();
    expect((await scheduler.hello()).holds).toEqual([
      { executionId: spec.executionId, state: 'Completed', lastSeq: 2 },
    ]);
    expect(await scheduler.ended(spec.executionId)).toEqual(report);
  });

  test('containers of its own that nobody wants are removed at the start', async ({ expect }) => {
    const first = startAgent();
    const { nodeId } = await scheduler.hello();
    await killed(first);
    const { executionId } = shell('');
    const orphan = await docker.createContainer({
      Image: 'busybox:latest',
      Cmd: ['sleep', '60'],
      name: executionId,
      Labels: { 'shoal.node': nodeId, 'shoal.execution': executionId },
    });
    await orphan.start();
    startAgent();
    await eventually(async () => (await ownContainers()).length === 0);
    expect(await ownContainers()).toEqual([]);
  });

  test('SIGTERM stops the tasks, reports them, removes their containers and ends with 0', async ({ expect }) => {
    const agent = startAgent();
    await scheduler.hello();
    const spec = shell('sleep 600');
    scheduler.run(spec);
    await scheduler.running(spec.executionId);
    expect(await killed(agent, 'SIGTERM')).toBe(0);
    expect(await scheduler.ended(spec.executionId)).toMatchObject({
      state: 'Failed',
      failure: { class: 'infrastructure', message: 'agent stopped' },
    });
    // Nothing new must come once an end was reported.
    const said = scheduler.frames.filter((frame) => frame.type === 'capacity' || frame.type === 'report');
    expect(said.slice(-2)).toMatchObject([
      { type: 'capacity', engines: [] },
      { type: 'report', state: 'Failed' },
    ]);
    expect(scheduler.frames.at(-1)).toMatchObject({ type: 'bye' });
    expect(await ownContainers()).toEqual([]);
  });

  test('a second agent on the same state folder is refused and says whose it is', async ({ expect }) => {
    const first = startAgent();
    await scheduler.hello();
    const second = startAgent();
    let said = '';
    second.stderr?.on('data', (chunk) => (said += String(chunk)));
    await once(second, 'close');
    expect(second.exitCode).toBe(1);
    expect(said).toContain(`another agent (process ${first.pid}) uses this state folder`);
  });

  test('without Docker it offers no engine, and declines', async ({ expect }) => {
    startAgent({ DOCKER_HOST: 'unix:///no/such/docker.sock' });
    expect((await scheduler.hello()).engines).toEqual([]);
    const spec = shell('true');
    scheduler.run(spec);
    const isReject = (frame: FromAgent): frame is Reject => frame.type === 'reject';
    expect(await scheduler.find(isReject)).toMatchObject({ reason: 'this node does not support "docker"' });
  });
});
