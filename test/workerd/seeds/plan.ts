import type { Task } from '../../../schema/job/job.ts';
import type { JobType } from '../../../schema/states.ts';
import type { Rng } from '../../sim/world/rng.ts';

/** What a user of a seed asks for. */
export interface Plan {
  readonly type: JobType;
  /** 0 for ops and daemon. */
  readonly count: number;
  readonly cpu: number;
  readonly priority: number;
  /** Where it may run; nothing is in `nowhere`. */
  readonly zone: 'a' | 'b' | 'nowhere' | null;
  /** Null: until it is stopped. */
  readonly runMs: number | null;
  /** How likely an attempt fails. */
  readonly failRate: number;
}

export const zones = ['a', 'b'] as const;

/** A job that any node can take and that ends by itself. */
export const probe: Plan = { type: 'batch', count: 1, cpu: 0.1, priority: 0, zone: null, runMs: 10, failRate: 0 };

/** Half of the jobs are batch; big ones wait for each other, and what lasts is small enough to leave them room. */
export function randomPlan(
  rng: Rng,
  type = rng.pick<JobType>(['batch', 'batch', 'batch', 'ops', 'service', 'daemon']),
): Plan {
  const isKeptUp = type === 'service' || type === 'daemon';
  return {
    type,
    count: type === 'batch' ? rng.int(1, 4) : type === 'service' ? rng.int(1, 2) : 0,
    cpu: isKeptUp ? 0.1 : rng.pick([0.1, 0.5, 2]),
    priority: rng.int(0, 2),
    zone: rng.chance(0.6) ? null : rng.pick(['a', 'a', 'b', 'b', 'nowhere'] as const),
    runMs: isKeptUp ? null : rng.int(0, 200),
    failRate: type === 'batch' && rng.chance(0.15) ? 0.5 : 0,
  };
}

/** The plan as a client sends it; how its task behaves is in the entrypoint. */
export function documentOf(name: string, plan: Plan): Record<string, unknown> {
  const { type, count, cpu, priority, zone, runMs, failRate } = plan;
  return {
    Name: name,
    Type: type,
    Priority: priority,
    ...(count > 0 && { Count: count }),
    Constraints: zone === null ? [] : [{ Key: 'zone', Operator: '=', Values: [zone] }],
    Tasks: [
      {
        Name: 'main',
        Engine: {
          Type: 'docker',
          Params: { Image: 'busybox', Entrypoint: [JSON.stringify({ runMs, failRate } satisfies Behaviour)] },
        },
        Resources: { CPU: String(cpu), Memory: '1mb' },
      },
    ],
  };
}

type Behaviour = Pick<Plan, 'runMs' | 'failRate'>;

export function behaviourOf({ Engine: { Params: params = {} } }: Task): Behaviour {
  const [text] = params['Entrypoint'] as [string];
  return JSON.parse(text) as Behaviour;
}
