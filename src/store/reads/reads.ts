import { z } from 'zod';
import { ShoalError } from '../../../schema/errors.ts';
import { MAX_LIST_ROWS, MAX_UNPAGED_ROWS } from '../../../schema/limits.ts';
import { NodeId, type JobId } from '../../../schema/ids.ts';
import type { EventRecord, NodeRecord } from '../../../schema/records.ts';
import { isTerminalJobState, jobStates } from '../../../schema/states.ts';
import type { ExecutionListQuery, ExecutionView } from './executions.ts';
import { executionListStatement, readExecution, readTaskNames, taskNamesStatement } from './executions.ts';
import { historyStatement, progressStatement, readEvent, type HistoryQuery } from './history.ts';
import {
  jobByNameStatement,
  jobListStatement,
  jobStatement,
  readJob,
  versionListStatement,
  type JobListQuery,
  type JobView,
} from './jobs.ts';
import { nodeListStatement, readNode } from './nodes.ts';
import { readResolved, resolveStatement, type JobRef } from './resolve.ts';
import { runBatch, type Database, type Row, type Rows } from './run-batch.ts';
import type { Statement } from './statement.ts';

interface JobPage {
  readonly jobs: readonly JobView[];
  /** True when further jobs follow. */
  readonly more: boolean;
}

export interface HistoryPage {
  readonly events: readonly EventRecord[];
  /** True when further events follow. */
  readonly more: boolean;
  /** True while events may still be added: what the query is about has not ended. */
  readonly live: boolean;
}

/** A job with what was asked for beside it. */
interface JobDetails {
  readonly job: JobView;
  readonly executions: readonly ExecutionView[];
  readonly history: HistoryPage;
}

interface JobDetailsQuery {
  /** 0 means the latest. */
  readonly version: number;
  /** Null when they are not wanted. */
  readonly executions: ExecutionListQuery | null;
  readonly history: HistoryQuery | null;
}

/**
 * Every query of the API, each one call to D1 and so one consistent picture. A job that does not exist is a 404, an
 * ambiguous beginning of an id a 409, and a D1 that does not answer a 503: thrown as ShoalError.
 */
export interface Reads {
  findJob(ref: JobRef): Promise<JobId>;
  getJob(ref: JobRef, query: JobDetailsQuery): Promise<JobDetails>;
  listJobs(query: JobListQuery): Promise<JobPage>;
  /** Every version as it was last stored, ascending; the newest MAX_LIST_ROWS or MAX_LIST_BYTES of them. */
  listVersions(ref: JobRef): Promise<readonly JobView[]>;
  /** Null when the namespace has no job of this name. */
  findByName(namespace: string, name: string): Promise<JobView | null>;
  listExecutions(ref: JobRef, query: ExecutionListQuery): Promise<readonly ExecutionView[]>;
  listHistory(ref: JobRef, query: HistoryQuery): Promise<HistoryPage>;
  /** Nodes whose id begins with `prefix`, in order of id; empty means all. */
  listNodes(prefix: string): Promise<readonly NodeRecord[]>;
  /** JSON of the answer to a command, or null when it is not known to be committed. */
  commandAnswer(commandId: string): Promise<string | null>;
  /** How the orchestrator names itself among the nodes; asked of the database once. */
  orchestratorId(): Promise<NodeId>;
}

export function makeReads<S>(db: Database<S>): Reads {
  const query = (...statements: readonly (Statement | null)[]): Promise<Rows[]> => runBatch(db, statements);
  // A plain value: a promise would belong to the request that made it.
  let orchestratorId: NodeId | null = null;
  return {
    async findJob(ref) {
      const [found = []] = await query(resolveStatement(ref));
      return readResolved(ref, found);
    },
    getJob: (ref, details) => getJob(query, ref, details),
    async listJobs(list) {
      const namespaces = list.namespaces ?? [null];
      if (namespaces.length === 0) return { jobs: [], more: false };
      const pages = await query(...namespaces.map((namespace) => jobListStatement(list, namespace)));
      return mergePages(list, pages);
    },
    async listVersions(ref) {
      const [found = [], rows = []] = await query(resolveStatement(ref), versionListStatement(ref, MAX_LIST_ROWS));
      readResolved(ref, found);
      return rows.map(readJob);
    },
    async findByName(namespace, name) {
      const [rows = []] = await query(jobByNameStatement(namespace, name));
      return rows[0] === undefined ? null : readJob(rows[0]);
    },
    async listExecutions(ref, list) {
      const [found = [], names = [], rows = []] = await query(
        resolveStatement(ref),
        taskNamesStatement(ref),
        executionListStatement(ref, list),
      );
      readResolved(ref, found);
      const taskNames = readTaskNames(names);
      return rows.map((row) => readExecution(row, taskNames));
    },
    async listHistory(ref, list) {
      const [found = [], rows = [], progress = []] = await query(
        resolveStatement(ref),
        historyStatement(ref, list),
        progressStatement(ref, list.executionId),
      );
      readResolved(ref, found);
      return readHistory(list, rows, progress[0]);
    },
    async listNodes(prefix) {
      const [rows = []] = await query(nodeListStatement(prefix, MAX_UNPAGED_ROWS));
      return rows.map(readNode);
    },
    async commandAnswer(commandId) {
      const [rows = []] = await query(commandStatement(commandId));
      const answer = rows[0]?.['answer'];
      return typeof answer === 'string' ? answer : null;
    },
    async orchestratorId() {
      if (orchestratorId !== null) return orchestratorId;
      const [rows = []] = await query(INSTALLATION);
      orchestratorId = NodeId.parse(rows[0]?.['node_id']);
      return orchestratorId;
    },
  };
}

export const INSTALLATION: Statement = { sql: 'SELECT node_id FROM installation WHERE id = 1', params: [] };

/**
 * One page from the pages of several namespaces, each in the order of the list. Where one of them ended early, for what
 * its documents weigh, the whole page does: what follows there is not known.
 */
function mergePages(list: JobListQuery, pages: readonly Rows[]): JobPage {
  const sign = list.reverse ? -1 : 1;
  const at = (job: JobView) => (list.orderBy === 'created_at' ? job.createdAt : job.modifiedAt);
  const compare = (a: JobView, b: JobView) => sign * (at(a) - at(b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const read = pages.map((rows) => ({ jobs: rows.map(readJob), all: Number(rows[0]?.['pageRows'] ?? 0) }));
  const ends = read.flatMap(({ jobs, all }) => (jobs.length < all ? jobs.slice(-1) : []));
  const [end] = ends.sort(compare);
  const jobs = read
    .flatMap((page) => page.jobs)
    .filter((job) => end === undefined || compare(job, end) <= 0)
    .sort(compare)
    .slice(0, list.limit);
  const total = read.reduce((sum, { all }) => sum + all, 0);
  return { jobs, more: total > jobs.length };
}

export function commandStatement(commandId: string): Statement {
  return { sql: 'SELECT answer FROM commands WHERE id = ?1', params: [commandId] };
}

type Query = (...statements: readonly (Statement | null)[]) => Promise<Rows[]>;

async function getJob(query: Query, ref: JobRef, details: JobDetailsQuery): Promise<JobDetails> {
  const { version, executions, history } = details;
  const [found = [], jobRows = [], names = [], executionRows = [], eventRows = [], progress = []] = await query(
    resolveStatement(ref),
    jobStatement(ref, version),
    executions === null ? null : taskNamesStatement(ref),
    executions === null ? null : executionListStatement(ref, executions),
    history === null ? null : historyStatement(ref, history),
    history === null ? null : progressStatement(ref, history.executionId),
  );
  const id = readResolved(ref, found);
  const row = jobRows[0];
  if (row === undefined) {
    throw new ShoalError('NotFound', `job version ${version} not found for job ${id}`, { component: 'JobStore' });
  }
  const taskNames = readTaskNames(names);
  return {
    job: readJob(row),
    executions: executionRows.map((item) => readExecution(item, taskNames)),
    history: history === null ? { events: [], more: false, live: false } : readHistory(history, eventRows, progress[0]),
  };
}

function readHistory(query: HistoryQuery, rows: Rows, progress: Row | undefined): HistoryPage {
  const events = rows.slice(0, query.limit).map(readEvent);
  const more = rows.length > query.limit;
  if (query.executionId !== '') {
    if (Number(progress?.['executions']) === 0) {
      throw new ShoalError('NotFound', `execution not found: ${query.executionId}`, { component: 'JobStore' });
    }
    return { events, more, live: Number(progress?.['open']) > 0 };
  }
  const state = z.enum(jobStates).parse(progress?.['state']);
  return { events, more, live: !isTerminalJobState(state) };
}
