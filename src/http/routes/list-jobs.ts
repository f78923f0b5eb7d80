import type { ListJobsResponse } from '../../../schema/api/job.ts';
import { badRequest } from '../../../schema/errors.ts';
import { MAX_LIST_ROWS } from '../../../schema/limits.ts';
import { parseSelector } from '../../../schema/selector.ts';
import type { JobListQuery, JobOrder } from '../../store/reads/jobs.ts';
import { maySee, scopeOf } from '../auth/principal.ts';
import type { Ctx, Deps } from '../deps.ts';
import { answer } from '../json.ts';
import { jobToken, parseJobToken } from '../paging.ts';
import { presentJob } from '../present.ts';
import { MAX_UINT32, Query } from '../query.ts';

const ORDERS: readonly JobOrder[] = ['created_at', 'modified_at'];

/** Jobs of one namespace or of all, oldest first unless asked otherwise. */
export async function listJobs(c: Ctx, deps: Deps): Promise<Response> {
  const list = readListQuery(c, new Query(c));
  const { jobs, more } = await deps.reads.listJobs(list);
  const last = jobs.at(-1);
  const token = more && last !== undefined ? nextToken(list, last) : '';
  return answer(c, { NextToken: token, Items: jobs.map(presentJob) } satisfies ListJobsResponse);
}

/** The token's order and limit win over those of the request; the filters come with every request. */
function readListQuery(c: Ctx, query: Query): JobListQuery {
  const namespace = query.text('namespace');
  const labels = parseSelector(query.all('labels'));
  const filters = { namespaces: namespacesOf(c, namespace), labels };
  const asked = { orderBy: readOrder(query.text('order_by')), reverse: query.bool('reverse') };
  const limit = query.uint('limit', MAX_UINT32);
  const token = query.text('next_token');
  if (token !== '') {
    const paging = parseJobToken(token);
    return { ...filters, ...paging, limit: capped(paging.limit) };
  }
  return { ...filters, ...asked, after: null, limit: capped(limit) };
}

/** Empty and `*` mean every namespace that the caller may see. */
function namespacesOf(c: Ctx, asked: string): readonly string[] | null {
  if (asked === '' || asked === '*') return scopeOf(c);
  return maySee(c, asked) ? [asked] : [];
}

function readOrder(text: string): JobOrder {
  const order = text === '' ? 'created_at' : ORDERS.find((name) => name === text);
  if (order === undefined) {
    throw badRequest(`invalid order_by ${JSON.stringify(text)}: allowed are ${ORDERS.join(', ')}`);
  }
  return order;
}

/** 0 means all, which is one page of the largest size at a time. */
function capped(limit: number): number {
  return limit === 0 ? MAX_LIST_ROWS : Math.min(limit, MAX_LIST_ROWS);
}

function nextToken(list: JobListQuery, last: { createdAt: number; modifiedAt: number; id: string }): string {
  const at = list.orderBy === 'created_at' ? last.createdAt : last.modifiedAt;
  return jobToken({ orderBy: list.orderBy, reverse: list.reverse, limit: list.limit, after: { at, id: last.id } });
}
