import { faults } from './world/chaos.ts';
import { obstacles } from './world/scenes.ts';

/**
 * What a few hundred seeds must have met: each fault, each way an execution or a job goes on. Publishing is left out: no
 * agent publishes yet.
 */
const expected: readonly string[] = [
  ...Object.keys(faults).map((name) => `drawn ${name}`),
  ...[
    'frame lost',
    'frame doubled',
    'frame reordered',
    'frame delayed',
    'dial fails',
    'commit fails before',
    'commit fails after',
    'commit late',
    'commit silent before',
    'commit silent after',
    'commit refused',
    'commit away',
    'open answer lost',
    'read fails',
    'store slow',
    'store away',
    'alarm late',
    'alarm doubled',
    'call lost',
    'call answer lost',
    'call overloaded',
    'call to a zombie',
    'machine lost',
  ].map((kind) => `fault ${kind}`),
  ...ways('execution', {
    none: ['New'],
    New: ['BidAccepted', 'AskForBidRejected', 'Running', 'Completed', 'Failed', 'Cancelled'],
    BidAccepted: ['Running', 'Completed', 'Failed', 'Cancelled'],
    Running: ['Completed', 'Failed', 'Cancelled'],
  }),
  'execution fenced',
  'execution fenced, then Completed',
  ...ways('job', {
    none: ['Pending', 'Queued', 'Failed'],
    Pending: ['Queued', 'Running', 'Failed', 'Stopped'],
    Queued: ['Pending', 'Failed', 'Stopped'],
    Running: ['Queued', 'Pending', 'Completed', 'Failed', 'Stopped'],
    Completed: ['Pending', 'Queued'],
    Failed: ['Pending', 'Queued'],
    Stopped: ['Pending', 'Queued'],
  }),
  ...['batch', 'service', 'ops', 'daemon'].map((type) => `submitted ${type}`),
  ...['approve', 'reject', 'delete', 'drain', 'resume', 'shut out'].map((action) => `node ${action}`),
  ...['done', 'refused', 'unknown'].map((type) => `answer ${type}`),
  ...['committed', 'guarded'].map((type) => `commit ${type}`),
  'log event.quarantined',
  'frame ignored',
  'agent container.swept',
  'agent frame.stale',
  'agent task.recovered',
  'alarm taken back',
  'cron poke',
  'hibernation',
  'seed calm',
  'seed with faults',
  ...obstacles.map((obstacle) => `scene ${obstacle}`),
  'seed with a node kept free',
  'seed with a hold that lapsed',
];

/** What one seed in twenty must have met, once there are many. */
const common: readonly string[] = [
  'seed with a declined job at the head of the queue',
  'seed with an endless service under a waiting big job',
];
const COMMON = 1 / 20;

function ways(what: string, table: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(table).flatMap(([from, to]) => to.map((state) => `${what} ${from} -> ${state}`));
}

/** What should have happened in so many seeds and did not, or not often enough. */
export function tooRare(totals: ReadonlyMap<string, number>, seeds: number): string[] {
  const never = expected.filter((what) => (totals.get(what) ?? 0) === 0);
  return [...never, ...common.filter((what) => (totals.get(what) ?? 0) < COMMON * seeds)];
}
