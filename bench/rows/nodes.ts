import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../processes/clock.ts';
import type { Client } from '../processes/http.ts';
import { jobBody } from '../processes/job.ts';
import { withLoad, type Load } from '../processes/load.ts';
import { Unmet, type Row } from '../row.ts';
import { Installation } from '../trees/installation.ts';
import { lifecycles } from './lifecycle.ts';

/** A thousand nodes. */

const NODES = 1_000;
const SECONDS = { full: 4, quick: 2 };
/** Each look costs the Worker little beside a thousand placements. */
const POLL_MS = 20;

export const thousandNodes = {
  name: 'nodes',
  measures: {
    rate: { name: '1,000 nodes, 64 clients: placements of single jobs', unit: '/s', better: 'more', target: 1_000 },
    cpu: { name: 'CPU of workerd', unit: 'ms/job', better: 'less' },
  },
  rounds: { full: 4, quick: 2 },
  deadlineMs: 60_000,
  async open(tree, { quick }) {
    const { installation, load, close } = await withLoad(Installation.start(tree), (worker, load) =>
      load.join(worker, NODES),
    );
    const seconds = quick ? SECONDS.quick : SECONDS.full;
    await lifecycles(installation, load, { clients: 64, seconds: 1 });
    const round = async () => {
      const { rate, cpu } = await lifecycles(installation, load, { clients: 64, seconds });
      return { rate, cpu };
    };
    return { round, close };
  },
} satisfies Row<'rate' | 'cpu'>;

export const thousandPartitions = {
  name: 'partitions',
  measures: {
    rate: { name: 'a job of 1,000 partitions on 1,000 idle nodes', unit: '/s', better: 'more', target: 1_000 },
    repeated: { name: 'of these, runs received again', unit: '', better: 'less', target: 0 },
    whole: { name: 'until the job is Completed', unit: 'ms', better: 'less' },
  },
  rounds: { full: 5, quick: 2 },
  deadlineMs: 60_000,
  async open(tree) {
    // Each node has room for one partition: all are needed.
    const { installation, load, close } = await withLoad(Installation.start(tree), (worker, load) =>
      load.join(worker, NODES, { cpu: 1 }),
    );
    return { round: () => partitions(installation, load), close };
  },
} satisfies Row<'rate' | 'repeated' | 'whole'>;

/** From the submit until the last partition's first `run` reached its node, and until the job is over. */
async function partitions({ client }: Installation, { agents }: Load) {
  await agents.call('begin', undefined);
  const at = now();
  const job = await client.submit(jobBody({ count: NODES, cpu: 1 }));
  await ended(client, job);
  const whole = now() - at;
  const { runs, executions, lastRunAt, lost } = await agents.call('tally', undefined);
  if (executions !== NODES) throw new Unmet(`${executions} executions for ${NODES} partitions; broken: ${lost.length}`);
  return { rate: NODES / ((lastRunAt - at) / 1_000), repeated: runs - executions, whole };
}

/** @throws Unmet when it ends in another way than Completed */
async function ended(client: Client, job: string): Promise<void> {
  for (;;) {
    const { state, message } = await client.job(job);
    if (state === 'Completed') return;
    if (state === 'Failed' || state === 'Stopped') throw new Unmet(`the job is ${state}: ${message}`);
    await sleep(POLL_MS);
  }
}
