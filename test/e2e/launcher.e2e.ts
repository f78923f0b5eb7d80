import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { root } from '../../cli/src/up/config.ts';
import { addressOf, callDocker } from '../../cli/src/up/docker/api.ts';
import { childrenOf, commandLineOf, isAlive, processesNaming } from '../../cli/src/up/processes.ts';
import { openState, readRecords } from '../../cli/src/up/state.ts';
import { COMPLETED, dockerJob } from '../harness/api.ts';
import { freePort } from '../harness/free-port.ts';
import { Launched, type LaunchOptions } from '../harness/launched.ts';
import { dockerHost, eventually } from '../harness/stack.ts';

const folders: string[] = [];
const launched: Launched[] = [];

/** A state folder that exists, with nothing in it. */
function newState(): string {
  const folder = mkdtempSync(join(tmpdir(), 'launcher-'));
  folders.push(folder);
  openState(join(folder, 'state'));
  return join(folder, 'state');
}

async function launch(more: Partial<LaunchOptions> = {}): Promise<Launched> {
  const state = more.state ?? newState();
  const one = new Launched({ cwd: root, port: await freePort(), env: { DOCKER_HOST: dockerHost() }, ...more, state });
  launched.push(one);
  return one;
}

afterEach(async () => {
  for (const one of launched.splice(0)) await one.interrupt();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const left = (state: string) => processesNaming(`${state}/`).map((pid) => commandLineOf(pid));
const isNothingLeft = async (state: string) => (left(state).length === 0 ? true : undefined);

async function containers(): Promise<string> {
  const address = addressOf(dockerHost());
  if (address === undefined) throw new Error(dockerHost());
  return (await callDocker(address, '/containers/json?all=1', { timeoutMs: 30_000 })).body;
}

/** A task that runs on until it is stopped. @returns its execution */
async function runEndless({ api }: Launched): Promise<string> {
  const id = await api.submit({ ...dockerJob(['sleep', '3600']), Type: 'service' });
  await api.waitForJob(id, 'Running');
  const [{ ID: execution } = { ID: '' }] = await api.executions(id);
  // A job runs from when its node has taken it; the container is made then.
  const isThere = async () => ((await containers()).includes(execution) ? true : undefined);
  await eventually(isThere, 60_000, 'the container is there');
  return execution;
}

const inProcessesOfItsOwn = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const canMakeThem = process.platform === 'linux' && process.getuid?.() === 0;

test.runIf(process.platform === 'linux')('SIGTERM to npm start ends all in order, tasks first', async () => {
  const shoal = await launch();
  await shoal.printed('Shoal is up', 90_000);
  const execution = await runEndless(shoal);
  expect(await containers()).toContain(execution);
  // To npm alone, as a supervisor or `kill` does.
  process.kill(shoal.pid, 'SIGTERM');
  await shoal.ended();
  // npm waits for what it started: nothing is left at this moment.
  expect(left(shoal.state)).toEqual([]);
  expect(await containers()).not.toContain(execution);
  expect(readFileSync(join(shoal.state, 'logs', 'agent-1.log'), 'utf8')).toContain('"event":"agent.stopped"');
});

test.runIf(canMakeThem)('so it does where npm is the first process, as in a container that is stopped', async () => {
  const shoal = await launch({ within: inProcessesOfItsOwn });
  await shoal.printed('Shoal is up', 90_000);
  const execution = await runEndless(shoal);
  const [npm = 0] = childrenOf(shoal.pid);
  process.kill(npm, 'SIGTERM');
  await shoal.ended();
  expect(left(shoal.state)).toEqual([]);
  expect(await containers()).not.toContain(execution);
  expect(readFileSync(join(shoal.state, 'logs', 'agent-1.log'), 'utf8')).toContain('"event":"agent.stopped"');
});

test.runIf(process.platform === 'linux').each(['SIGKILL', 'SIGHUP'] as const)(
  '%s of npm, which it cannot or does not hand on, ends all as well',
  async (signal) => {
    const shoal = await launch();
    await shoal.printed('Shoal is up', 90_000);
    const execution = await runEndless(shoal);
    process.kill(shoal.pid, signal);
    await shoal.ended();
    await eventually(() => isNothingLeft(shoal.state), 60_000, 'everything ended');
    expect(await containers()).not.toContain(execution);
  },
);

/** The processes that one started, and those that these started. */
const below = (pid: number): number[] => childrenOf(pid).flatMap((child) => [child, ...below(child)]);

test.runIf(process.platform === 'linux')('of an npm start that is up only what it is for goes on', async () => {
  const shoal = await launch();
  await shoal.printed('Shoal is up', 90_000);
  const programs = ['scripts/main.ts', 'worker/host.ts', 'bin/workerd', 'shoal-agent.cjs'];
  const what = (pid: number) => {
    const line = commandLineOf(pid);
    return programs.find((program) => line.includes(program)) ?? line;
  };
  // The agent asks other programs about its machine now and then.
  await eventually(
    async () => (below(shoal.pid).map(what).toSorted().join() === programs.toSorted().join() ? true : undefined),
    60_000,
    `only ${programs.join(', ')} going on`,
  ).catch((error: unknown) => {
    throw new Error(below(shoal.pid).map(what).join('\n'), { cause: error });
  });
});

/** kill -9, again and again, as soon as it is there again. */
async function killAgain(shoal: Launched, name: string, times: number): Promise<void> {
  let killed = 0;
  for (let n = 0; n < times; n += 1) {
    killed = await eventually(
      async () => {
        const record = readRecords(shoal.state)[name];
        if (record === undefined || record.pid === killed || !isAlive(record)) return undefined;
        process.kill(record.pid, 'SIGKILL');
        return record.pid;
      },
      60_000,
      `${name} running`,
    );
  }
}

test('an agent and a Worker that die again and again are brought back, and tasks go on', async () => {
  const shoal = await launch();
  await shoal.printed('Shoal is up', 90_000);
  const word = randomUUID();
  const id = await shoal.api.submit(dockerJob(['sh', '-c', `sleep 45; echo ${word}`]));
  await shoal.api.waitForJob(id, 'Running');
  const [{ ID: execution } = { ID: '' }] = await shoal.api.executions(id);
  await killAgain(shoal, 'agent-1', 6);
  await killAgain(shoal, 'worker-host', 5);
  await killAgain(shoal, 'workerd', 6);
  await eventually(() => shoal.api.connectedNodes(1).catch(() => undefined), 90_000, 'the agent connected again');
  expect(shoal.output).toContain('1 ended (SIGKILL) and is restarted in 0.3 s');
  expect(shoal.output).toContain('1 ended (SIGKILL) and is restarted in 2.4 s');
  expect(shoal.output).toMatch(/Worker +ended \(.+\) and is restarted in 4\.8 s/);
  await shoal.api.waitForJob(id, 'Completed');
  const executions = await shoal.api.executions(id);
  expect(executions).toMatchObject([{ ID: execution, ComputeState: { StateType: COMPLETED } }]);
  expect(executions[0]?.RunOutput.Stdout).toBe(`${word}\n`);
});

test('an agent that never came up ends npm start, which says what its log says', async () => {
  const state = newState();
  mkdirSync(join(state, 'agents', '1'), { recursive: true });
  writeFileSync(join(state, 'agents', '1', 'node-id'), 'not an id\n');
  const shoal = await launch({ state });
  expect(await shoal.ended()).toBe(1);
  expect(shoal.output).toMatch(/1 ended \(exit code 1: .*node-id.*\) and is restarted in 0\.3 s/);
  expect(shoal.output).toMatch(/Agent 1 does not come up \(exit code 1\); the end of .*agent-1\.log:\n.*node-id/s);
  expect(left(state)).toEqual([]);
});
