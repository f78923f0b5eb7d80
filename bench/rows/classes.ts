import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../processes/clock.ts';
import type { JobPlan } from '../processes/job.ts';
import { freshEachRound, withLoad, type Load, type Loaded } from '../processes/load.ts';
import { Unmet, type Row } from '../row.ts';
import { Installation } from '../trees/installation.ts';

/**
 * A queue of 1,000 placement classes before 100 full nodes: whenever a task ends, its room goes to one of many who all
 * need something else. What comes of it is how fast the queue gets shorter.
 */

const NODES = 100;
/** Nodes whose tasks end, as soon as they come; those of the others run on. So hardly two end in the same turn. */
const CHANGING = 10;
const CLASSES = 1_000;
/** Jobs of each class. While three of them are counted, all classes wait. */
const EACH = 4;
const COUNTED = (EACH - 1) * CLASSES;
/** A version that is slow is measured for so long. */
const MOST_MS = 10_000;
const LOOK_MS = 20;

/** Half of the classes differ in an amount, half in a constraint that every node meets. Each job takes a whole node. */
export function planOfClass(i: number): JobPlan {
  if (i % 2 === 0) return { cpu: 1, memory: 1_000_000 + i * 1_000 };
  return { cpu: 1, constraints: [{ Key: 'rack', Operator: '!=', Values: [`r-${i}`] }] };
}

export const placementClasses = {
  name: 'classes',
  measures: {
    rate: {
      name: '1,000 placement classes wait, 100 nodes, tasks of 10 of them end',
      unit: 'jobs/s',
      better: 'more',
      target: 300,
    },
    cpu: { name: 'CPU of workerd', unit: 'ms/job', better: 'less' },
  },
  rounds: { full: 3, quick: 1 },
  deadlineMs: 120_000,
  // A slow version would need minutes to empty the queue for the next round.
  open: async (tree) => freshEachRound(() => withLoad(Installation.start(tree), fill), drain),
} satisfies Row<'rate' | 'cpu'>;

/** All nodes are busy, everything else waits. */
async function fill(installation: Installation, load: Load): Promise<void> {
  await load.agents.call('behave', { ending: 'when let go' });
  await load.join(installation, NODES, { cpu: 1 });
  const jobs = Array.from({ length: CLASSES }, (_, i) => planOfClass(i));
  await load.generator.call('load', { url: installation.url, clients: 32, jobs, count: EACH * CLASSES });
  await load.agents.call('untilExecutions', { count: NODES });
}

async function drain({ installation, load: { agents } }: Loaded<void>) {
  const cpuBefore = installation.cpuMs();
  const at = now();
  await agents.call('letGo', { nodes: CHANGING });
  for (;;) {
    const { acknowledged, lastAcknowledgedAt } = await agents.call('tally', undefined);
    const isLate = now() - at > MOST_MS;
    if (isLate && acknowledged === 0) throw new Unmet(`no job ended within ${MOST_MS / 1_000} s`);
    if (isLate || acknowledged >= COUNTED) {
      return {
        rate: acknowledged / ((lastAcknowledgedAt - at) / 1_000),
        cpu: (installation.cpuMs() - cpuBefore) / acknowledged,
      };
    }
    await sleep(LOOK_MS);
  }
}
