import type { JobSpec } from '../../schema/job/job.ts';
import { keptCount } from '../../schema/job/kept-count.ts';
import { needsOf } from '../../schema/job/needs.ts';
import type { JobType } from '../../schema/states.ts';
import type { Specified } from '../scheduler/rpc.ts';
import { specHash } from './spec-hash.ts';

/**
 * What the Scheduler and the database are told of a specification: all that is read of it is read here.
 * @param type  of the job, which keeps the one that it was first submitted with
 */
export async function specifiedBy(spec: JobSpec, type: JobType = spec.Type): Promise<Specified> {
  return {
    priority: spec.Priority,
    count: keptCount(type, { type: spec.Type, count: spec.Count }),
    needs: needsOf({ ...spec, Type: type }),
    spec: JSON.stringify(spec),
    specHash: await specHash(spec),
    labels: spec.Labels,
  };
}
