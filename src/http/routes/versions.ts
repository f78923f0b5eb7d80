import type { ListJobsResponse } from '../../../schema/api/job.ts';
import { jobRef } from '../auth/principal.ts';
import type { Ctx, Deps } from '../deps.ts';
import { answer } from '../json.ts';
import { presentJob } from '../present.ts';
import { MAX_UINT32, Query } from '../query.ts';

/** Every version of a job, ascending, as it was last stored; never paged. */
export async function listVersions(c: Ctx, deps: Deps, text: string): Promise<Response> {
  const query = new Query(c);
  // Accepted and without effect, but still of their types.
  query.uint('limit', MAX_UINT32);
  query.bool('reverse');
  const versions = await deps.reads.listVersions(jobRef(c, query.text('namespace'), text));
  return answer(c, { NextToken: '', Items: versions.map(presentJob) } satisfies ListJobsResponse);
}
