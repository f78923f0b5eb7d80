import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentLog } from '../../cli/src/up/agent.ts';
import { sampleImage } from '../../cli/src/up/docker/image.ts';
import { lastLines } from '../../cli/src/up/log-file.ts';
import { BareEngine, dockerRun } from '../machine/docker.ts';
import { now } from '../processes/clock.ts';
import { jobBody } from '../processes/job.ts';
import { median } from '../report/statistics.ts';
import { Unmet, type Row, type Setting } from '../row.ts';
import { Installation } from '../trees/installation.ts';
import type { Tree } from '../trees/tree.ts';

/** Jobs in containers, with the tree's own agent. */

const COMMAND = ['true'];
const JOB = { image: sampleImage, entrypoint: COMMAND, network: 'None', cpu: 0.1, memory: 64_000_000 };
const TIMES = { full: 10, quick: 5 };
/** What was removed off the path is over by then, so that it does not hit the next one. */
const REST_MS = 300;
const POLL_MS = 5;
const AT_ONCE = 4;
const IN_PARALLEL = { full: 40, quick: 20 };

export const dockerJob = {
  name: 'docker',
  measures: {
    ratio: {
      name: 'Docker job, submit to Completed seen, against docker run --rm',
      unit: 'x',
      better: 'less',
      target: 1,
    },
    job: { name: 'the job, p50', unit: 'ms', better: 'less' },
    cli: { name: 'docker run --rm, p50', unit: 'ms', better: 'less' },
    bare: { name: 'the bare Engine API, p50', unit: 'ms', better: 'less' },
  },
  rounds: { full: 3, quick: 1 },
  deadlineMs: 300_000,
  needsDocker: true,
  async open(tree, setting) {
    const { installation, engine, dockerHost } = await withAgent(tree, setting);
    if (!(await dockerRun(dockerHost, COMMAND))) throw new Unmet('there is no docker command to compare with');
    await job(installation);
    const round = async () => {
      const took: Record<'job' | 'cli' | 'bare', number[]> = { job: [], cli: [], bare: [] };
      const removals: Promise<unknown>[] = [];
      for (let n = 0; n < (setting.quick ? TIMES.quick : TIMES.full); n++) {
        took.cli.push(await timed(() => dockerRun(dockerHost, COMMAND)));
        took.job.push(await timed(() => job(installation)));
        took.bare.push(await timed(async () => void removals.push((await engine.run(COMMAND)).removed)));
      }
      await Promise.all(removals);
      const [ours, cli, bare] = [median(took.job), median(took.cli), median(took.bare)];
      return { ratio: ours / cli, job: ours, cli, bare };
    };
    return { round, close: () => installation.close() };
  },
} satisfies Row<'ratio' | 'job' | 'cli' | 'bare'>;

export const dockerParallel = {
  name: 'docker-parallel',
  measures: {
    ratio: { name: '4 Docker jobs at once, rate against the bare Engine API', unit: 'x', better: 'more', target: 0.9 },
    jobs: { name: 'jobs', unit: 'jobs/s', better: 'more' },
    bare: { name: 'the bare Engine API', unit: 'jobs/s', better: 'more' },
  },
  rounds: { full: 3, quick: 1 },
  deadlineMs: 300_000,
  needsDocker: true,
  async open(tree, setting) {
    const { installation, engine } = await withAgent(tree, setting);
    const count = setting.quick ? IN_PARALLEL.quick : IN_PARALLEL.full;
    await job(installation);
    const round = async () => {
      const removals: Promise<unknown>[] = [];
      const bare = await rate(count, async () => void removals.push((await engine.run(COMMAND)).removed));
      await Promise.all(removals);
      const jobs = await rate(count, () => job(installation));
      return { ratio: jobs / bare, jobs, bare };
    };
    return { round, close: () => installation.close() };
  },
} satisfies Row<'ratio' | 'jobs' | 'bare'>;

/** A Worker and one agent of the tree on the engine. */
export async function withAgent(tree: Tree, { dockerHost = '' }: Setting) {
  const installation = await Installation.start(tree);
  try {
    const agent = await installation.startAgent(1, dockerHost, ['--cpu', '100%']);
    await connected(installation, agent);
    return { installation, engine: new BareEngine(dockerHost), dockerHost };
  } catch (error) {
    await installation.close();
    throw error;
  }
}

interface NodeView {
  readonly Info: {
    readonly NodeType: string;
    readonly ComputeNodeInfo?: { readonly ExecutionEngines?: readonly string[] };
  };
  readonly Connection: string;
}

async function connected({ client, state }: Installation, agent: ChildProcess): Promise<void> {
  for (;;) {
    if (agent.exitCode !== null) throw new Unmet(`the agent ended: ${lastLines(agentLog(state, 1), 3)}`);
    const { Nodes } = (await client.get('/nodes')) as { Nodes: readonly NodeView[] };
    const engines = Nodes.find(({ Info }) => Info.NodeType === 'Compute')?.Info.ComputeNodeInfo?.ExecutionEngines;
    if (engines?.includes('docker') === true) return;
    await sleep(100);
  }
}

/** Submit to Completed seen. @throws Unmet when it ends otherwise */
async function job({ client }: Installation): Promise<void> {
  const id = await client.submit(jobBody(JOB));
  for (;;) {
    const { state, message } = await client.job(id);
    if (state === 'Completed') return;
    if (state === 'Failed' || state === 'Stopped') throw new Unmet(`the job is ${state}: ${message}`);
    await sleep(POLL_MS);
  }
}

/** ms, and a rest after it. */
async function timed(act: () => Promise<unknown>): Promise<number> {
  const at = now();
  await act();
  const took = now() - at;
  await sleep(REST_MS);
  return took;
}

/** A second, four at once. */
async function rate(count: number, act: () => Promise<unknown>): Promise<number> {
  let left = count;
  const at = now();
  const one = async () => {
    while (left-- > 0) await act();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  const perSecond = count / ((now() - at) / 1_000);
  await sleep(REST_MS);
  return perSecond;
}
