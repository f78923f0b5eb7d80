import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../processes/clock.ts';
import { jobBody } from '../processes/job.ts';
import { withLoad } from '../processes/load.ts';
import { Unmet, type Row } from '../row.ts';
import { Installation } from '../trees/installation.ts';

/** A big job at the head of the queue, and small ones behind it. */

const NODES = 4;
const CORES = 4;
/** So long must a job have waited until a node is kept free for it. */
const RESERVED_AFTER_MS = 31_000;
const SMALL_JOBS = 500;
/** What starts in so long is counted when not all do. */
const MOST_MS = 10_000;

export const behindDeclined = {
  name: 'behind-declined',
  measures: {
    rate: { name: '500 small jobs behind one that every node declines', unit: 'jobs/s', better: 'more' },
    left: { name: 'of these, still waiting after 10 s', unit: '', better: 'less', target: 0 },
  },
  rounds: { full: 1, quick: 0 },
  deadlineMs: 90_000,
  async open(tree) {
    const { installation, load, prepared, close } = await withLoad(
      Installation.start(tree),
      async (worker, started) => {
        await started.agents.call('behave', { declines: 'Host' });
        await started.join(worker, NODES, { cpu: CORES });
        await worker.client.submit(jobBody({ network: 'Host', cpu: CORES }));
        return { headSince: now() };
      },
    );
    const round = async () => {
      await sleep(Math.max(0, prepared.headSince + RESERVED_AFTER_MS - now()));
      await load.agents.call('begin', undefined);
      const at = now();
      const jobs = [{ cpu: 1 }];
      await load.generator.call('load', { url: installation.url, clients: 8, jobs, count: SMALL_JOBS });
      const all = load.agents.call('untilAcknowledged', { count: SMALL_JOBS });
      await Promise.race([all, sleep(MOST_MS)]);
      const { acknowledged, lastAcknowledgedAt } = await load.agents.call('tally', undefined);
      if (acknowledged === 0) throw new Unmet(`none of ${SMALL_JOBS} small jobs ran within ${MOST_MS / 1_000} s`);
      return { rate: acknowledged / ((lastAcknowledgedAt - at) / 1_000), left: SMALL_JOBS - acknowledged };
    };
    return { round, close };
  },
} satisfies Row<'rate' | 'left'>;

const SMALL_MS = 400;
/** Enough small tasks at once to keep the node full, and some that wait. */
const SMALL_CLIENTS = 12;

export const bigAmongSmall = {
  name: 'big-among-small',
  measures: {
    start: { name: 'a job for a whole node starts among endless small ones', unit: 's', better: 'less' },
  },
  rounds: { full: 1, quick: 0 },
  deadlineMs: 150_000,
  async open(tree) {
    const { installation, load, close } = await withLoad(Installation.start(tree), async (worker, started) => {
      await started.agents.call('behave', { ending: SMALL_MS });
      await started.join(worker, 1, { cpu: CORES });
    });
    const round = async () => {
      const { agents, generator } = load;
      const small = { url: installation.url, clients: SMALL_CLIENTS, jobs: [{ cpu: 1 }], pauseMs: SMALL_MS };
      const stream = generator.call('load', { ...small, seconds: 120 });
      await agents.call('untilExecutions', { count: CORES });
      const at = now();
      const big = await installation.client.submit(jobBody({ cpu: CORES }));
      const startedAt = await agents.call('arrival', { type: 'run', jobId: big, after: at });
      await generator.call('stop', undefined);
      await stream;
      return { start: (startedAt - at) / 1_000 };
    };
    return { round, close };
  },
} satisfies Row<'start'>;
