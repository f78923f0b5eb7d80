import type { ListHistoryResponse } from '../../../schema/api/history.ts';
import { badRequest } from '../../../schema/errors.ts';
import { MAX_LIST_ROWS } from '../../../schema/limits.ts';
import type { HistoryQuery } from '../../store/reads/history.ts';
import type { HistoryPage } from '../../store/reads/reads.ts';
import { isBefore, isUnreleased, parseVersion } from '../client-version.ts';
import { jobRef } from '../auth/principal.ts';
import type { Ctx, Deps } from '../deps.ts';
import { answer } from '../json.ts';
import { historyToken, parseHistoryToken } from '../paging.ts';
import { presentEvent } from '../present.ts';
import { MAX_UINT32, Query } from '../query.ts';
import { readVersionFilter } from './version-filter.ts';

const DEFAULT_LIMIT = 100;
/** Far beyond any event, and still exact as microseconds. */
const MAX_SINCE = 9e9;
/** Older clients need a field that later ones do not have. */
const FILLER_BEFORE = '1.5.0';

/** A page of a job's history. Its token stays until the job has ended and everything was read: clients poll with it. */
export async function listHistory(c: Ctx, deps: Deps, text: string): Promise<Response> {
  const query = new Query(c);
  const history = readHistoryQuery(query);
  const page = await deps.reads.listHistory(jobRef(c, query.text('namespace'), text), history);
  return answer(c, {
    NextToken: nextToken(history, page),
    Items: page.events.map((event) => presentEvent(event, needsFiller(c))),
  } satisfies ListHistoryResponse);
}

function readHistoryQuery(query: Query): HistoryQuery {
  // Bound, and without effect.
  query.bool('reverse');
  const type = query.text('event_type');
  const types = { '': null, all: null, job: 'JobLevel', execution: 'ExecutionLevel' } as const;
  if (!Object.hasOwn(types, type)) throw invalid('EventType', 'oneof');
  const since = query.int('since');
  if (since < 0) throw invalid('Since', 'min');
  const token = query.text('next_token');
  const from = token === '' ? { limit: 0, nextSeq: 0 } : parseHistoryToken(token);
  const limit = query.uint('limit', MAX_UINT32) || from.limit || DEFAULT_LIMIT;
  return {
    version: readVersionFilter(query),
    type: types[type as keyof typeof types],
    executionId: query.text('execution_id'),
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
