import { GetJobResponse } from '../../../schema/api/job.ts';
import { jobRef } from '../auth/principal.ts';
import { presentEvent, presentExecution, presentJob } from '../present.ts';
import { allExecutions } from './executions.ts';
import { firstHistory, needsFiller } from './history.ts';
import { ignored, namespace, refusals, version } from './parameters.ts';
import { route, type Route } from './route.ts';

export const getJobRoutes: readonly Route[] = [
  route({
    id: 'getJob',
    method: 'get',
    path: '/api/v1/orchestrator/jobs/{id}',
    needs: 'read:job',
    tag: 'Jobs',
    summary: 'Get a job by name, id or the beginning of an id',
    query: {
      namespace,
      job_version: version,
      include: { type: 'text', description: '`executions`, `history`, or both with a comma.' },
      limit: ignored('uint32'),
    },
    answer: GetJobResponse,
    errors: { 400: refusals.unreadable, 404: refusals.noJob, 409: refusals.severalJobs },
    example: { path: { id: 'hello' }, query: { include: 'executions,history' } },
    handle: async ({ c, deps, part, query }) => {
      const { namespace, job_version: version, include } = query();
      const parts = new Set(include.split(',').map((word) => word.trim()));
      const withExecutions = parts.has('executions');
      const withHistory = parts.has('history');
      const found = await deps.reads.getJob(jobRef(c, namespace, part('id')), {
        version,
        executions: withExecutions ? allExecutions(version) : null,
        history: withHistory ? firstHistory(version) : null,
      });
      const filler = needsFiller(c);
      return {
        Job: presentJob(found.job),
        ...(withHistory && {
          History: { NextToken: '', Items: found.history.events.map((event) => presentEvent(event, filler)) },
        }),
        ...(withExecutions && { Executions: { NextToken: '', Items: found.executions.map(presentExecution) } }),
      };
    },
  }),
];
