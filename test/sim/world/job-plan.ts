import type { Constraint, JobSpec } from '../../../schema/job/job.ts';
import type { JobType } from '../../../schema/states.ts';
import { askedFor, asks, type Ask } from './asks.ts';
import type { Rng } from './rng.ts';
import type { Behaviour } from './script.ts';

/** What a user wants, before it gets a name. */
export interface JobPlan {
  readonly type: JobType;
  readonly count: number;
  readonly priority: number;
  readonly constraints: readonly Constraint[];
  readonly cpu: number;
  readonly memoryMb: number;
  readonly engine: string;
  readonly timeouts: { readonly run?: number; readonly queue?: number; readonly total?: number };
  readonly behaviour: Behaviour;
  /** What not every node allows. */
  readonly ask?: Ask;
}

/** A small job that any node can take and that ends by itself. */
export const probe: JobPlan = {
  type: 'batch',
  count: 1,
  priority: 0,
  constraints: [],
  cpu: 0.1,
  memoryMb: 10,
  engine: 'docker',
  timeouts: {},
  behaviour: { runMs: 1_000 },
};

/** One that keeps its node busy for a while. */
export const longProbe: JobPlan = { ...probe, behaviour: { runMs: 80_000 } };

/** One that no node can take, with a deadline. */
export const hopelessProbe: JobPlan = { ...probe, engine: 'wasm', timeouts: { queue: 45 } };

/** One that fails until it is given up. */
export const failingProbe: JobPlan = { ...probe, behaviour: { failRate: 1, failure: 'environment' } };

export const zones = ['a', 'b', 'c'] as const;

export function randomPlan(rng: Rng, type: JobType): JobPlan {
  const runsOnEveryNode = type === 'ops' || type === 'daemon';
  return {
    type,
    count: runsOnEveryNode ? 0 : rng.chance(0.7) ? 1 : rng.int(2, 10),
    priority: rng.chance(0.7) ? 0 : rng.int(1, 10),
    constraints: rng.chance(0.3) ? [randomConstraint(rng)] : [],
    cpu: rng.chance(0.03) ? 100 : rng.pick([0.1, 0.25, 0.5, 1, 1, 2]),
    memoryMb: rng.pick([10, 50, 100, 200, 500]),
    engine: rng.chance(0.02) ? 'wasm' : 'docker',
    timeouts: randomTimeouts(rng),
    behaviour: randomBehaviour(rng, type === 'service' || type === 'daemon'),
    ...(rng.chance(0.06) && { ask: rng.pick(asks) }),
  };
}

export function randomType(rng: Rng): JobType {
  const roll = rng.next();
  if (roll < 0.6) return 'batch';
  return roll < 0.75 ? 'service' : roll < 0.88 ? 'ops' : 'daemon';
}

/** The document that a plan stands for. */
export function specOf(name: string, plan: JobPlan): JobSpec {
  const { run, queue, total } = plan.timeouts;
  const { params, ...asked } = askedFor(plan.ask);
  return {
    Name: name,
    Namespace: 'default',
    Type: plan.type,
    Priority: plan.priority,
    Count: plan.count,
    Constraints: [...plan.constraints],
    Meta: {},
    Labels: {},
    Tasks: [
      {
        Name: 'main',
        Engine: { Type: plan.engine, Params: { ...plan.behaviour, ...params } },
        Publisher: { Type: '' },
        Resources: { CPU: String(plan.cpu), Memory: `${plan.memoryMb}mb` },
        Network: { Type: 'None' },
        ...asked,
        Timeouts: {
          ...(run !== undefined && { ExecutionTimeout: run }),
          ...(queue !== undefined && { QueueTimeout: queue }),
          ...(total !== undefined && { TotalTimeout: total }),
        },
      },
    ],
  };
}

function randomConstraint(rng: Rng): Constraint {
  const zone = rng.pick(zones);
  return rng.pick<Constraint>([
    { Key: 'zone', Operator: '=', Values: [zone] },
    { Key: 'zone', Operator: 'in', Values: [zone, rng.pick(zones)] },
    { Key: 'zone', Operator: '!=', Values: [zone] },
    { Key: 'zone', Operator: 'notin', Values: [zone] },
    { Key: 'favour_zone', Operator: '=', Values: [zone] },
    { Key: 'size', Operator: 'gt', Values: ['1'] },
    { Key: 'zone', Operator: '=', Values: ['nowhere'] },
  ]);
}

function randomTimeouts(rng: Rng): JobPlan['timeouts'] {
  return {
    ...(rng.chance(0.2) && { run: rng.int(3, 60) }),
    ...(rng.chance(0.2) && { queue: rng.int(5, 90) }),
    ...(rng.chance(0.1) && { total: rng.int(20, 200) }),
  };
}

/** @param lasts  true for tasks that are meant to run until they are stopped */
function randomBehaviour(rng: Rng, lasts: boolean): Behaviour {
  const kind = rng.next();
  const short = lasts ? 0.15 : 0.7;
  const runMs = kind < short ? rng.int(100, 15_000) : kind < short + 0.22 ? rng.int(20_000, 150_000) : undefined;
  return {
    ...(runMs !== undefined && { runMs }),
    ...(rng.chance(0.3) && { pullMs: rng.int(100, 6_000) }),
    ...(rng.chance(0.2) && { stopMs: rng.int(100, 1_500) }),
    ...(rng.chance(0.15) && { exitCode: rng.int(1, 137) }),
    ...(rng.chance(0.2) && {
      failRate: rng.pick([0.3, 0.6, 1]),
      failure: rng.pick(['permanent', 'environment', 'infrastructure', 'memory'] as const),
    }),
  };
}
