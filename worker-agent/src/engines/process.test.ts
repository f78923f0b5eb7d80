import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { NodeId } from '@shoal/schema/ids';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { Agent } from '../agent.ts';
import { MemoryJournal } from '../journal/memory-journal.ts';
import { systemClock } from '../machine/clock.ts';
import { FakeNetwork } from '../testing/fake-socket.ts';
import { ProcessEngine } from '../testing/process-engine.ts';
import { runSpec, silentLog, task } from '../testing/run-spec.ts';

/** What a second engine takes: a file behind the port, and to be in the list of engines. */

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'process-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

interface Running {
  readonly network: FakeNetwork;
  readonly journal: MemoryJournal;
}

async function startAgent(journal = new MemoryJournal()): Promise<Running> {
  const network = new FakeNetwork();
  const engines = [new ProcessEngine(folder)];
  const agent = new Agent(
    { dial: network.dial, clock: systemClock, random: () => 0.5, log: silentLog, engines, journal },
    {
      ...{ nodeId: NodeId.parse('n-p'), instance: 'i', os: 'linux', arch: 'amd64', hostname: 'box', labels: {} },
      capacity: { cpu: 4, memory: 1e9, disk: 1e9, gpu: 0 },
      policy: { allowHostNetwork: true, unfilteredBridge: false },
    },
  );
  await agent.start();
  network.last.events.open();
  network.last.welcome();
  onTestFinished(() => network.last.end({ kind: 'closed', code: 4003, reason: '' }));
  return { network, journal };
}

function processTask(Command: unknown, network: 'Host' | 'None' = 'Host'): RunSpec {
  const Engine = { Type: 'Process', Params: { Command } };
  return runSpec({ task: task({}, { Engine, Network: { Type: network }, Env: { WORD: 'hello' } }) });
}

const order = ({ network }: Running, frame: object): void =>
  network.last.receive({ epoch: 1, session: 's-1', ...frame });

async function said(agent: Running, type: string, state?: string): Promise<Record<string, unknown>> {
  for (const deadline = Date.now() + 30_000; ;) {
    const found = agent.network.last.frames.findLast(
      (one) => one.type === type && (state === undefined || one['state'] === state),
    );
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(JSON.stringify(agent.network.last.frames.slice(1)));
    await sleep(10);
  }
}

test('its task runs, and what it printed and how it ended come back', async () => {
  const agent = await startAgent();
  expect(agent.network.last.frames[0]).toMatchObject({ engines: ['process'] });
  order(agent, { type: 'run', ...processTask(['sh', '-c', 'echo $WORD $BACALHAU_JOB_TYPE; echo oops >&2; exit 7']) });
  expect(await said(agent, 'report', 'Completed')).toMatchObject({
    output: { stdout: 'hello batch\n', stderr: 'oops\n', exitCode: 7 },
  });
});

test('a task outlives its agent, and the next one takes it up and starts nothing', async () => {
  const first = await startAgent();
  const run = processTask(['sh', '-c', 'while [ ! -e ../go ]; do sleep 0.02; done; echo done']);
  order(first, { type: 'run', ...run });
  await said(first, 'report', 'Running');
  const durable = first.journal.reopen();
  // Nothing that the dead agent still does reaches the journal that counts.
  first.journal.failure = new Error('dead');
  const second = await startAgent(durable);
  expect(second.network.last.frames[0]).toMatchObject({ holds: [{ executionId: run.executionId, state: 'Running' }] });
  writeFileSync(join(folder, 'go'), '');
  expect(await said(second, 'report', 'Completed')).toMatchObject({ output: { stdout: 'done\n' } });
  expect(readFileSync(join(folder, 'starts.log'), 'utf8')).toBe(`${run.executionId}\n`);
});

test('what it refuses is declined, and what is wrong with a task fails it', async () => {
  const agent = await startAgent();
  order(agent, { type: 'run', ...processTask(['true'], 'None') });
  expect(await said(agent, 'reject')).toMatchObject({
    reason: "this node's processes have the machine's network: ask for Host",
  });
  order(agent, { type: 'run', ...processTask('not a list') });
  expect(await said(agent, 'report', 'Failed')).toMatchObject({
    failure: { class: 'permanent', message: 'invalid process engine param: Command: expected a list of words' },
  });
});
