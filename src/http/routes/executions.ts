import type { ListExecutionsResponse } from '../../../schema/api/execution.ts';
import { MAX_UNPAGED_ROWS } from '../../../schema/limits.ts';
import type { ExecutionListQuery } from '../../store/reads/executions.ts';
import { jobRef } from '../auth/principal.ts';
import type { Ctx, Deps } from '../deps.ts';
import { answer } from '../json.ts';
import { presentExecution } from '../present.ts';
import { MAX_UINT32, Query } from '../query.ts';
import { readVersionFilter } from './version-filter.ts';

/** Executions of a job. Clients never page them, so the token is always empty. */
export async function listExecutions(c: Ctx, deps: Deps, text: string): Promise<Response> {
  const query = new Query(c);
  const namespace = query.text('namespace');
  const limit = query.uint('limit', MAX_UINT32);
  const executions = await deps.reads.listExecutions(jobRef(c, namespace, text), {
    version: readVersionFilter(query),
    namespace: namespace === '' ? null : namespace,
    orderBy: readOrder(query.text('order_by')),
    reverse: query.bool('reverse'),
    limit: limit === 0 ? MAX_UNPAGED_ROWS : Math.min(limit, MAX_UNPAGED_ROWS),
  });
  return answer(c, { NextToken: '', Items: executions.map(presentExecution) } satisfies ListExecutionsResponse);
}

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
