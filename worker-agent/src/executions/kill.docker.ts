import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterEach, beforeAll, beforeEach, describe, test } from 'vitest';
import { NodeId } from '@shoal/schema/ids';
import type { FromAgent } from '@shoal/schema/protocol/from-agent';
import { JournalRecord } from '../journal/records.ts';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { filterNames } from '../engines/docker/egress-filter.ts';
import { FakeScheduler } from '../testing/fake-scheduler.ts';
import { printed } from '../testing/printed.ts';
import { shell, task } from '../testing/run-spec.ts';

type Point = JournalRecord['type'];

/** What brings an agent to one record of its journal, and what must have become of the task in the end. */
interface Scenario {
  readonly run: RunSpec;
  readonly stops?: boolean;
  readonly failAt?: Point;
  readonly ends: { readonly state: string } | 'rejected';
  readonly log: string;
}

/** Its proxy refuses a name that is not on the list; without a proxy there is nothing to see. */
const ASK = "printf 'GET http://b.example/ HTTP/1.0\\r\\n\\r\\n' | nc -w 3 $(echo $http_proxy | tr : ' ')";
const SCRIPT = `echo begin; sleep 1; ${ASK} | grep -o 403; echo end`;
/** Of network type HTTP: it has a network, a proxy and rules of its own that must go as well. */
const withNetwork = (script: string): RunSpec =>
  shell('', {
    task: task({ Entrypoint: ['sh', '-c', script] }, { Network: { Type: 'HTTP', Domains: ['a.example'] } }),
  });

/** With results that are published: its end is a record of its own. */
const publishing = (run: RunSpec): RunSpec => ({ ...run, task: { ...run.task, Publisher: { Type: 'noop' } } });

const completes = { ends: { state: 'Completed' }, log: 'begin\n403\nend\n' } as const;

/** One for each record of the journal: a new record without a scenario does not compile. */
const scenarios: { readonly [point in Point]: () => Scenario } = {
  taken: () => ({ run: withNetwork(SCRIPT), ...completes }),
  starting: () => ({ run: withNetwork(SCRIPT), ...completes }),
  stopping: () => ({
    run: withNetwork('echo begin; sleep 60'),
    stops: true,
    ends: { state: 'Cancelled' },
    log: 'begin\n',
  }),
  ran: () => ({ run: publishing(withNetwork(SCRIPT)), ...completes }),
  ended: () => ({ run: withNetwork(SCRIPT), ...completes }),
  acknowledged: () => ({ run: withNetwork(SCRIPT), ...completes }),
  rejected: () => ({ run: shell('', { task: task({}, { Engine: { Type: 'none' } }) }), ends: 'rejected', log: '' }),
  // Its record could not be written, so it was declined; the next agent has room and takes it.
  forgotten: () => ({ run: withNetwork(SCRIPT), failAt: 'taken', ...completes }),
};

let bundle: string;
let stateDir: string;
let scheduler: FakeScheduler;
let agents: ChildProcess[] = [];
const docker = new Docker();
const preload = new URL('../testing/kill-at.mjs', import.meta.url).href;

beforeAll(async () => {
  const built = (await import(new URL('../../build.mjs', import.meta.url).href)) as { buildAgent(): Promise<string> };
  bundle = await built.buildAgent();
});

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'shoal-kill-'));
  scheduler = await FakeScheduler.start();
});

afterEach(async () => {
  for (const agent of agents) {
    if (agent.exitCode === null && agent.signalCode === null) agent.kill('SIGKILL');
  }
  agents = [];
  await scheduler.close();
  await rm(stateDir, { recursive: true });
});

function start(env: Readonly<Record<string, string>> = {}): { agent: ChildProcess; gone: Promise<unknown> } {
  const agent = spawn(process.execPath, ['--import', preload, bundle, '--state', stateDir, '--url', scheduler.url], {
    env: { ...process.env, SHOAL_NODE_ID: '', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  agents.push(agent);
  return { agent, gone: once(agent, 'exit') };
}

/** Everything of the node that is left in Docker. */
async function leftInDocker(): Promise<string[]> {
  const nodeId = (await readFile(join(stateDir, 'node-id'), 'utf8')).trim();
  const filters = { label: [`shoal.node=${nodeId}`] };
  const containers = await docker.listContainers({ all: true, filters });
  const networks = await docker.listNetworks({ filters });
  return [...containers.map(({ Id }) => Id), ...networks.map(({ Name }) => Name), ...(await leftInKernel(nodeId))];
}

/** Rules of the node's networks that are left; none where this process may not see them, and then none were made. */
async function leftInKernel(nodeId: string): Promise<string[]> {
  const { bridge, httpPrefix, bridgeChain, httpChain } = filterNames(NodeId.parse(nodeId));
  const rules = await new Promise<string>((resolve) => {
    execFile('iptables', ['-w', '-t', 'mangle', '-S'], (_error, stdout) => resolve(stdout));
  });
  const names = [bridge, httpPrefix, bridgeChain, httpChain];
  return rules.split('\n').filter((rule) => names.some((name) => rule.includes(name)));
}

/** What is left in the state folder beside the node's identity and its journal. */
async function leftInFolder(): Promise<string[]> {
  const names = await readdir(stateDir, { recursive: true });
  return names.filter((name) => name !== 'node-id' && !/^(journal|logs)-[^/]*$/.test(name));
}

async function eventually(check: () => Promise<string[]>): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const left = await check();
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`still there: ${left.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('there is a scenario for every record of the journal', ({ expect }) => {
  const points = JournalRecord.options.map((option) => option.shape.type.value);
  expect(Object.keys(scenarios).sort()).toEqual([...points].sort());
});

describe('killed around a record of its journal, the next agent ends the task once, with its whole log, and cleans up', () => {
  const cases = JournalRecord.options.flatMap((option) =>
    (['before', 'after'] as const).map((when) => ({ point: option.shape.type.value, when })),
  );
  for (const { point, when } of cases) {
    test(`[journal:${point}] ${when} it is on the disk`, async ({ expect }) => {
      const { run, stops = false, failAt = '', ends, log } = scenarios[point]();
      const { executionId } = run;
      const first = start({ SHOAL_KILL_AT: point, SHOAL_KILL_WHEN: when, SHOAL_FAIL_AT: failAt });
      await scheduler.hello();
      scheduler.run(run);
      if (stops) {
        await scheduler.running(executionId);
        await printed(executionId, 'begin');
        scheduler.stop(executionId, 'enough');
      }
      await first.gone;
      const second = start();
      await scheduler.hello(2);
      // What the Scheduler has no word of it says again.
      scheduler.run(run);
      if (stops) scheduler.stop(executionId, 'enough');
      if (ends === 'rejected') {
        const isReject = (frame: FromAgent): frame is FromAgent =>
          frame.type === 'reject' && frame.executionId === executionId;
        await scheduler.find(isReject);
      } else {
        expect(await scheduler.ended(executionId)).toMatchObject(ends);
      }
      if (log !== '') {
        await eventually(async () =>
          scheduler.parts.some((one) => one.executionId === executionId && one.end) ? [] : ['log'],
        );
        expect(scheduler.log(executionId)).toBe(log);
      }
      second.agent.kill('SIGTERM');
      await second.gone;
      const reports = scheduler.frames.filter(
        (one) => one.type === 'report' && one.executionId === executionId && one.state !== 'Running',
      );
      expect(new Set(reports.map((one) => JSON.stringify(one))).size).toBe(ends === 'rejected' ? 0 : 1);
      await eventually(leftInDocker);
      await eventually(leftInFolder);
    });
  }
});
