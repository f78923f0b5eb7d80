import { quantile } from '../report/statistics.ts';
import { Unmet, type Row, type Values } from '../row.ts';
import { now } from '../processes/clock.ts';
import { withLoad, type Load } from '../processes/load.ts';
import type { Submitted } from '../processes/generator.ts';
import { Installation } from '../trees/installation.ts';

/** The whole life of a job (accepted, placed, dispatched, acknowledged, reported, committed) with tasks that end at once. */

const NODES = 4;
const SECONDS = { full: 4, quick: 2 };

export const lifecycleOfOne = {
  name: 'lifecycle-1',
  measures: {
    share: {
      name: "Shoal's own share of a job: submit to Completed seen, p50",
      unit: 'ms',
      better: 'less',
      target: 10,
    },
    p99: { name: 'the same, p99', unit: 'ms', better: 'less' },
    rate: { name: 'jobs one after the other', unit: 'jobs/s', better: 'more' },
  },
  rounds: { full: 5, quick: 2 },
  deadlineMs: 60_000,
  async open(tree, { quick }) {
    const { installation, load, close } = await withLoad(Installation.start(tree), (worker, load) =>
      load.join(worker, NODES),
    );
    const seconds = quick ? SECONDS.quick : SECONDS.full;
    const run = async (forSeconds: number) => {
      const at = now();
      const asked = { url: installation.url, clients: 1, jobs: [{}], seconds: forSeconds, follows: true };
      const { submitted } = await load.generator.call('load', asked);
      const took = submitted.map((job) => (job.completedAt ?? Number.NaN) - job.at);
      const rate = submitted.length / ((now() - at) / 1_000);
      return { share: quantile(took, 0.5), p99: quantile(took, 0.99), rate };
    };
    await run(1);
    return { round: () => run(seconds), close };
  },
} satisfies Row<'share' | 'p99' | 'rate'>;

export const lifecycleOfMany = {
  name: 'lifecycle-64',
  measures: {
    rate: { name: '64 clients: whole lifecycles', unit: 'jobs/s', better: 'more', target: 1_500 },
    p50: { name: 'submit to the end committed, p50', unit: 'ms', better: 'less' },
    p99: { name: 'submit to the end committed, p99', unit: 'ms', better: 'less', target: 200 },
    cpu: { name: 'CPU of workerd', unit: 'ms/job', better: 'less' },
  },
  rounds: { full: 5, quick: 2 },
  deadlineMs: 60_000,
  async open(tree, { quick }) {
    const { installation, load, close } = await withLoad(Installation.start(tree), (worker, load) =>
      load.join(worker, NODES),
    );
    const seconds = quick ? SECONDS.quick : SECONDS.full;
    await lifecycles(installation, load, { clients: 64, seconds: 2 });
    return { round: () => lifecycles(installation, load, { clients: 64, seconds }), close };
  },
} satisfies Row<'rate' | 'p50' | 'p99' | 'cpu'>;

/**
 * Rate from the first submit until every job's end was committed, jobs/s; from a submit to that end, ms; CPU of workerd,
 * ms a job.
 */
type Lifecycles = Values<'rate' | 'p50' | 'p99' | 'cpu'>;

/** Submits for so long, then waits for the end of every job. */
export async function lifecycles(
  installation: Installation,
  { agents, generator }: Load,
  { clients, seconds }: { readonly clients: number; readonly seconds: number },
): Promise<Lifecycles> {
  await agents.call('begin', undefined);
  const cpuBefore = installation.cpuMs();
  const { submitted } = await generator.call('load', { url: installation.url, clients, jobs: [{}], seconds });
  await agents.call('untilAcknowledged', { count: submitted.length });
  const took = lives(submitted, await agents.call('acknowledgements', undefined));
  const { lastAcknowledgedAt } = await agents.call('tally', undefined);
  const from = Math.min(...submitted.map(({ at }) => at));
  return {
    rate: submitted.length / ((lastAcknowledgedAt - from) / 1_000),
    p50: quantile(took, 0.5),
    p99: quantile(took, 0.99),
    cpu: (installation.cpuMs() - cpuBefore) / submitted.length,
  };
}

/** From each submit until its node heard that the report is durable, ms. */
function lives(submitted: readonly Submitted[], acknowledged: readonly (readonly [string, number])[]): number[] {
  const endOf = new Map(acknowledged);
  return submitted.map(({ jobId, at }) => {
    const end = endOf.get(jobId);
    if (end === undefined) throw new Unmet(`the end of job ${jobId} was not acknowledged`);
    return end - at;
  });
}
