import { ListJobsResponse } from '../../../schema/api/job.ts';
import { jobRef } from '../auth/principal.ts';
import { presentJob } from '../present.ts';
import { ignored, namespace, refusals } from './parameters.ts';
import { route, type Route } from './route.ts';

export const versionRoutes: readonly Route[] = [
  route({
    id: 'listVersions',
    method: 'get',
    path: '/api/v1/orchestrator/jobs/{id}/versions',
    needs: 'read:job',
    tag: 'Jobs',
    summary: 'List every version of a job, ascending, as it was last stored; never paged',
    query: {
      namespace,
      limit: ignored('uint32'),
      next_token: ignored('text'),
      order_by: ignored('text'),
      reverse: ignored('flag'),
    },
    answer: ListJobsResponse,
    errors: { 400: refusals.unreadable, 404: refusals.noJob, 409: refusals.severalJobs },
    example: { path: { id: 'twice' } },
    handle: async ({ c, deps, part, query }) => {
      const versions = await deps.reads.listVersions(jobRef(c, query().namespace, part('id')));
      return { NextToken: '', Items: versions.map(presentJob) };
    },
  }),
];
