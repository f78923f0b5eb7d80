import { ListJobsResponse } from '../../../schema/api/job.ts';
import { badRequest } from '../../../schema/errors.ts';
import { MAX_LIST_ROWS } from '../../../schema/limits.ts';
import { parseSelector } from '../../../schema/selector.ts';
import type { JobListQuery, JobOrder } from '../../store/reads/jobs.ts';
import { maySee, scopeOf } from '../auth/principal.ts';
import type { Ctx } from '../deps.ts';
import { jobToken, parseJobToken } from '../paging.ts';
import { presentJob } from '../present.ts';
import { labels, refusals, reverse } from './parameters.ts';
import { route, type Route } from './route.ts';

const ORDERS: readonly JobOrder[] = ['created_at', 'modified_at'];

export const listJobsRoutes: readonly Route[] = [
  route({
    id: 'listJobs',
    method: 'get',
    path: '/api/v1/orchestrator/jobs',
    needs: 'read:job',
    tag: 'Jobs',
    summary: 'List jobs of one namespace or of all, oldest first unless asked otherwise',
    query: {
      namespace: { type: 'text', description: 'Empty and `*` mean every namespace.' },
      limit: { type: 'uint32', description: 'Jobs on a page; 0 means 1,000, which is the most.' },
      next_token: { type: 'text', description: 'Where the page before ended. Its order and limit win.' },
      order_by: { type: 'text', description: 'Creation when absent.', values: ORDERS },
      reverse,
      labels,
    },
    answer: ListJobsResponse,
    errors: { 400: refusals.unreadable },
    example: { query: { limit: '2', labels: 'team=blue', order_by: 'modified_at', reverse: 'true' } },
    handle: async ({ c, deps, query }) => {
      const list = listOf(c, query());
      const { jobs, more } = await deps.reads.listJobs(list);
      const last = jobs.at(-1);
      const token = more && last !== undefined ? nextToken(list, last) : '';
      return { NextToken: token, Items: jobs.map(presentJob) };
    },
  }),
];

interface Asked {
  readonly namespace: string;
  readonly limit: number;
  readonly next_token: string;
  readonly order_by: string;
  readonly reverse: boolean;
  readonly labels: readonly string[];
}

/** The token's order and limit win over those of the request; the filters come with every request. */
function listOf(c: Ctx, query: Asked): JobListQuery {
  const filters = { namespaces: namespacesOf(c, query.namespace), labels: parseSelector(query.labels) };
  const asked = { orderBy: readOrder(query.order_by), reverse: query.reverse };
  if (query.next_token !== '') {
    const paging = parseJobToken(query.next_token);
    return { ...filters, ...paging, limit: capped(paging.limit) };
  }
  return { ...filters, ...asked, after: null, limit: capped(query.limit) };
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
