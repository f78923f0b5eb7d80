import { now } from '../processes/clock.ts';
import { jobBody } from '../processes/job.ts';
import { withLoad } from '../processes/load.ts';
import { median } from '../report/statistics.ts';
import type { Row, Values } from '../row.ts';
import { Installation } from '../trees/installation.ts';
import type { Tree } from '../trees/tree.ts';
import { copyJob, uuidOf } from './copies.ts';

/** What 100,000 jobs that ended cost those who submit and ask now: each question is put to both installations in turns. */

const STORED = 100_000;
const QUESTIONS = { full: 200, quick: 60 };

type Key = 'submit' | 'get' | 'page' | 'label';

export const stored = {
  name: 'stored',
  measures: {
    submit: { name: '100,000 jobs stored against none: submit', unit: 'x', better: 'less', target: 1.2 },
    get: { name: 'get', unit: 'x', better: 'less', target: 1.2 },
    page: { name: 'first page of the list', unit: 'x', better: 'less', target: 1.2 },
    label: { name: 'first page of those with a label', unit: 'x', better: 'less' },
  },
  rounds: { full: 4, quick: 1 },
  deadlineMs: 120_000,
  async open(tree, { quick }) {
    const full = await holding(tree, STORED);
    const empty = await holding(tree, 0);
    const questions = quick ? QUESTIONS.quick : QUESTIONS.full;
    const close = async () => void (await Promise.all([full.close(), empty.close()]));
    return { round: () => compare(full, empty, questions), close };
  },
} satisfies Row<Key>;

interface Holding {
  readonly installation: Installation;
  /** Ids of jobs that are there. */
  readonly idOf: (n: number) => string;
  readonly close: () => Promise<void>;
}

/** An installation with a node whose database holds one job that ended, and so many copies of it. */
async function holding(tree: Tree, copies: number): Promise<Holding> {
  const { installation, prepared, close } = await withLoad(Installation.start(tree), async (worker, load) => {
    await load.join(worker, 1);
    const job = await worker.client.submit(jobBody({ labels: { team: 'a' } }));
    await load.agents.call('untilAcknowledged', { count: 1 });
    if (copies === 0) return job;
    await worker.stopWorker();
    copyJob(worker.state, job, copies);
    await worker.startWorker(true);
    return job;
  });
  const idOf = (n: number) => (copies === 0 ? prepared : `j-${uuidOf(((n * 7_919) % copies) + 1, 0)}`);
  return { installation, idOf, close };
}

type Question = (holding: Holding, n: number) => Promise<unknown>;

const questions: Readonly<Record<Key, Question>> = {
  submit: ({ installation }) => installation.client.submit(jobBody({})),
  get: ({ installation, idOf }, n) => installation.client.get(`/jobs/${idOf(n)}`),
  page: ({ installation }) => installation.client.get('/jobs?limit=10'),
  label: ({ installation }) => installation.client.get('/jobs?limit=10&labels=team%3Da'),
};

async function compare(full: Holding, empty: Holding, times: number): Promise<Values<Key>> {
  const ratio = async (question: Question) => {
    const took: [number[], number[]] = [[], []];
    for (let n = 0; n < times; n++) {
      took[0].push(await timed(() => question(full, n)));
      took[1].push(await timed(() => question(empty, n)));
    }
    return median(took[0]) / median(took[1]);
  };
  return {
    submit: await ratio(questions.submit),
    get: await ratio(questions.get),
    page: await ratio(questions.page),
    label: await ratio(questions.label),
  };
}

/** ms. */
async function timed(act: () => Promise<unknown>): Promise<number> {
  const at = now();
  await act();
  return now() - at;
}
