import { ListResultsResponse } from '../../../schema/api/job.ts';
import { ShoalError } from '../../../schema/errors.ts';
import { jobRef } from '../auth/principal.ts';
import { namespace, refusals } from './parameters.ts';
import { route, type Route } from './route.ts';

export const resultRoutes: readonly Route[] = [
  route({
    id: 'listResults',
    method: 'get',
    path: '/api/v1/orchestrator/jobs/{id}/results',
    needs: 'read:job',
    tag: 'Jobs',
    summary: 'List what a job published',
    query: { namespace },
    answer: ListResultsResponse,
    errors: {
      400: 'Services and daemons have no results.',
      404: refusals.noJob,
      409: refusals.severalJobs,
    },
    example: { path: { id: 'hello' } },
    // Nothing is published so far, so the answer is that of a job without a publisher.
    handle: async ({ c, deps, part, query }) => {
      const ref = jobRef(c, query().namespace, part('id'));
      const { job } = await deps.reads.getJob(ref, { version: 0, executions: null, history: null });
      if (job.type === 'service' || job.type === 'daemon') {
        // Bacalhau refuses these with 500 and hides why.
        throw new ShoalError('BadRequest', `results are not available for ${job.type} jobs`, { component: 'Bacalhau' });
      }
      return { NextToken: '', Items: [] };
    },
  }),
];
