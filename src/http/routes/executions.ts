import { ListExecutionsResponse } from '../../../schema/api/execution.ts';
import { MAX_UNPAGED_ROWS } from '../../../schema/limits.ts';
import type { ExecutionListQuery } from '../../store/reads/executions.ts';
import { jobRef } from '../auth/principal.ts';
import { presentExecution } from '../present.ts';
import { allVersions, ignored, refusals, reverse, version } from './parameters.ts';
import { route, type Route } from './route.ts';
import { versionFilter } from './version-filter.ts';

export const executionRoutes: readonly Route[] = [
  route({
    id: 'listExecutions',
    method: 'get',
    path: '/api/v1/orchestrator/jobs/{id}/executions',
    needs: 'read:job',
    tag: 'Jobs',
    summary: 'List the executions of a job; they are never paged, so the token is always empty',
    query: {
      namespace: {
        type: 'text',
        description: 'Where the name is looked up; given, it is also the executions’ own.',
      },
      limit: { type: 'uint32', description: '0 means 10,000, which is the most.' },
      next_token: ignored('text'),
      order_by: {
        type: 'text',
        description: 'Creation when absent; the id for any other word.',
        values: ['created_at', 'create_time', 'modified_at', 'modify_time'],
      },
      reverse,
      job_version: version,
      all_job_versions: allVersions,
    },
    answer: ListExecutionsResponse,
    errors: { 400: refusals.unreadable, 404: refusals.noJob, 409: refusals.severalJobs },
    example: { path: { id: 'hello' }, query: { all_job_versions: 'true' } },
    handle: async ({ c, deps, part, query }) => {
      const asked = query();
      const { namespace, limit } = asked;
      const executions = await deps.reads.listExecutions(jobRef(c, namespace, part('id')), {
        version: versionFilter(asked),
        namespace: namespace === '' ? null : namespace,
        orderBy: readOrder(asked.order_by),
        reverse: asked.reverse,
        limit: limit === 0 ? MAX_UNPAGED_ROWS : Math.min(limit, MAX_UNPAGED_ROWS),
      });
      return { NextToken: '', Items: executions.map(presentExecution) };
    },
  }),
];

/** An unknown order is no error: it is the order of ids. */
function readOrder(text: string): ExecutionListQuery['orderBy'] {
  switch (text) {
    case '':
    case 'created_at':
    case 'create_time':
      return 'created_at';
    case 'modified_at':
    case 'modify_time':
      return 'modified_at';
    default:
      return 'id';
  }
}

/** What a job is shown with: all executions of the shown version. */
export function allExecutions(version: number): ExecutionListQuery {
  return {
    version: version === 0 ? 'latest' : version,
    namespace: null,
    orderBy: 'created_at',
    reverse: false,
    limit: MAX_UNPAGED_ROWS,
  };
}
