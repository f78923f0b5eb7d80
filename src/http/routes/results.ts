import type { ListResultsResponse } from '../../../schema/api/job.ts';
import { ShoalError } from '../../../schema/errors.ts';
import { jobRef } from '../auth/principal.ts';
import type { Ctx, Deps } from '../deps.ts';
import { answer } from '../json.ts';
import { Query } from '../query.ts';

/** What a job published. Nothing is published so far, so the answer is that of a job without a publisher. */
export async function listResults(c: Ctx, deps: Deps, text: string): Promise<Response> {
  const ref = jobRef(c, new Query(c).text('namespace'), text);
  const { job } = await deps.reads.getJob(ref, { version: 0, executions: null, history: null });
  if (job.type === 'service' || job.type === 'daemon') {
    // Bacalhau refuses these with 500 and hides why.
    throw new ShoalError('BadRequest', `results are not available for ${job.type} jobs`, { component: 'Bacalhau' });
  }
  return answer(c, { NextToken: '', Items: [] } satisfies ListResultsResponse);
}
