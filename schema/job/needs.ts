import { asksOf } from '../offers.ts';
import type { Needs } from '../records.ts';
import { isKeptUp, runsOnEveryNode } from '../states.ts';
import type { JobSpec } from './job.ts';
import { parseResources } from './resources.ts';

/** A hundred years: longer waits are as good as none, and deadlines stay exact integers. */
const MAX_TIMEOUT_MS = 100 * 365 * 24 * 3_600_000;

/** The publisher that publishes nothing, wherever it runs. */
const NO_PUBLISHER = 'noop';

/** What placement must know of a job, from its normalised specification. */
export function needsOf(spec: JobSpec): Needs {
  const [task] = spec.Tasks;
  const { ExecutionTimeout: run = 0, QueueTimeout: queue = 0, TotalTimeout: total = 0 } = task.Timeouts;
  const publisher = task.Publisher.Type;
  const asks = asksOf(spec.Tasks);
  // Jobs that run until they are stopped have no time to be done in.
  const ends = !isKeptUp(spec.Type);
  return {
    engine: task.Engine.Type,
    publisher: publisher.toLowerCase() === NO_PUBLISHER ? '' : publisher,
    sources: [...new Set((task.InputSources ?? []).map((source) => source.Source.Type))].sort(),
    constraints: spec.Constraints,
    ...(asks !== undefined && { asks }),
    taskName: task.Name,
    resources: parseResources(task.Resources),
    // An execution may not outlive its job, so the total time stands in for a missing one.
    executionTimeoutMs: ends ? ms(run === 0 ? total : run) : 0,
    queueTimeoutMs: queue === 0 || runsOnEveryNode(spec.Type) ? null : ms(queue),
    totalTimeoutMs: ends ? ms(total) : 0,
  };
}

function ms(seconds: number): number {
  return Math.min(seconds * 1000, MAX_TIMEOUT_MS);
}
