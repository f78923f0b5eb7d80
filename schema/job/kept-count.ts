import { runsOnEveryNode, type JobType } from '../states.ts';

/**
 * The Count of a version whose document was written for another type than the job has: an update keeps the job's type,
 * and with it what Count means. Jobs of every node have none; of the others one copy is the least that was meant.
 */
export function keptCount(kept: JobType, { type, count }: { readonly type: JobType; readonly count: number }): number {
  if (runsOnEveryNode(kept)) return 0;
  return runsOnEveryNode(type) ? 1 : count;
}
