import { ListHistoryResponse } from '../../../schema/api/history.ts';
import { badRequest } from '../../../schema/errors.ts';
import { MAX_LIST_ROWS } from '../../../schema/limits.ts';
import type { HistoryQuery } from '../../store/reads/history.ts';
import type { HistoryPage } from '../../store/reads/reads.ts';
import { isBefore, isUnreleased, parseVersion } from '../client-version.ts';
import { jobRef } from '../auth/principal.ts';
import type { Ctx } from '../deps.ts';
import { historyToken, parseHistoryToken } from '../paging.ts';
import { presentEvent } from '../present.ts';
import { allVersions, ignored, namespace, refusals, version } from './parameters.ts';
import { route, type Route } from './route.ts';
import { versionFilter, type VersionQuery } from './version-filter.ts';

const DEFAULT_LIMIT = 100;
/** Far beyond any event, and still exact as microseconds. */
const MAX_SINCE = 9e9;
/** Older clients need a field that later ones do not have. */
const FILLER_BEFORE = '1.5.0';

const types = { '': null, all: null, job: 'JobLevel', execution: 'ExecutionLevel' } as const;

export const historyRoutes: readonly Route[] = [
  route({
    id: 'listHistory',
    method: 'get',
    path: '/api/v1/orchestrator/jobs/{id}/history',
    needs: 'read:job',
    tag: 'Jobs',
    summary: 'Read what happened to a job; the token stays until the job has ended and all was read',
    query: {
      namespace,
      limit: { type: 'uint32', description: 'Events on a page; 0 means 100, 1,000 is the most.' },
      next_token: { type: 'text', description: 'Where the page before ended.' },
      since: { type: 'int', description: 'Unix seconds; earlier events are left out.' },
      event_type: { type: 'text', description: 'Which events.', values: ['all', 'job', 'execution'] },
      execution_id: { type: 'text', description: 'The beginning of an execution’s id.' },
      job_version: version,
      all_job_versions: allVersions,
      order_by: ignored('text'),
      reverse: ignored('flag'),
      node_id: ignored('text'),
    },
    answer: ListHistoryResponse,
    errors: { 400: refusals.unreadable, 404: refusals.noJob, 409: refusals.severalJobs },
    example: { path: { id: 'hello' }, query: { event_type: 'execution', limit: '10' } },
    handle: async ({ c, deps, part, query }) => {
      const asked = query();
      const history = historyOf(asked);
      const page = await deps.reads.listHistory(jobRef(c, asked.namespace, part('id')), history);
      const filler = needsFiller(c);
      return { NextToken: nextToken(history, page), Items: page.events.map((event) => presentEvent(event, filler)) };
    },
  }),
];

interface Asked extends VersionQuery {
  readonly limit: number;
  readonly next_token: string;
  readonly since: number;
  readonly event_type: string;
  readonly execution_id: string;
}

function historyOf(query: Asked): HistoryQuery {
  const { event_type: type, since } = query;
  if (!Object.hasOwn(types, type)) throw invalid('EventType', 'oneof');
  if (since < 0) throw invalid('Since', 'min');
  const from = query.next_token === '' ? { limit: 0, nextSeq: 0 } : parseHistoryToken(query.next_token);
  const limit = query.limit || from.limit || DEFAULT_LIMIT;
  return {
    version: versionFilter(query),
    type: types[type as keyof typeof types],
    executionId: query.execution_id,
    since: Math.min(since, MAX_SINCE),
    fromSeq: from.nextSeq,
    limit: Math.min(limit, MAX_LIST_ROWS),
  };
}

function invalid(field: string, rule: string): Error {
  return badRequest(
    `Key: 'ListJobHistoryRequest.${field}' Error:Field validation for '${field}' failed on the '${rule}' tag`,
  );
}

function nextToken(query: HistoryQuery, page: HistoryPage): string {
  if (!page.more && !page.live) return '';
  const last = page.events.at(-1);
  return historyToken(query.limit, last === undefined ? query.fromSeq : last.seq + 1);
}

export function needsFiller(c: Ctx): boolean {
  const given = c.req.header('X-Bacalhau-Git-Version') ?? '';
  const version = isUnreleased(given) ? null : parseVersion(given);
  return version !== null && isBefore(version, FILLER_BEFORE);
}

/** What a job is shown with: the beginning of its history. */
export function firstHistory(version: number): HistoryQuery {
  return {
    version: version === 0 ? 'latest' : version,
    type: null,
    executionId: '',
    since: 0,
    fromSeq: 0,
    limit: DEFAULT_LIMIT,
  };
}
