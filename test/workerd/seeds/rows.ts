import type { ExecutionId, JobId } from '../../../schema/ids.ts';
import { executions, jobs, nodes } from '../../../schema/db/tables.ts';
import type { ExecutionRecord, JobRecord, NodeRecord } from '../../../schema/records.ts';
import {
  columnsOf,
  executionFromRow,
  jobFromRow,
  nodeFromRow,
  type ExecutionRow,
  type JobRow,
  type NodeRow,
} from '../../../src/store/rows.ts';

/** All that D1 says at one moment. */
export interface Rows {
  readonly jobs: ReadonlyMap<JobId, { readonly job: JobRecord; readonly active: boolean }>;
  readonly executions: ReadonlyMap<ExecutionId, ExecutionRecord>;
  readonly nodes: readonly NodeRecord[];
  /** How many events each job has, and the last one's number. */
  readonly events: ReadonlyMap<string, { readonly count: number; readonly last: number }>;
}

const select = (name: string, columns: ReturnType<typeof columnsOf>) =>
  `SELECT ${columns.map(({ key, name: column }) => `"${column}" AS "${key}"`).join(', ')} FROM ${name}`;
const JOBS = select('jobs', columnsOf(jobs));
const EXECUTIONS = select(
  'executions',
  columnsOf(executions).filter(({ key }) => key !== 'output'),
);
const NODES = select('nodes', columnsOf(nodes));
const EVENTS = 'SELECT job_id AS jobId, count(*) AS count, max(seq) AS last FROM events GROUP BY job_id';

/** A batch is a transaction: no commit falls between its reads. */
export async function readRows(db: D1Database): Promise<Rows> {
  const results = await db.batch([JOBS, EXECUTIONS, NODES, EVENTS].map((sql) => db.prepare(sql)));
  const [jobRows, executionRows, nodeRows, eventRows] = results.map(({ results: rows }) => rows) as unknown as [
    JobRow[],
    ExecutionRow[],
    NodeRow[],
    { jobId: string; count: number; last: number }[],
  ];
  return {
    jobs: new Map(jobRows.map((row) => [row.id as JobId, { job: jobFromRow(row), active: row.active === 1 }])),
    executions: new Map(executionRows.map((row) => [row.id as ExecutionId, executionFromRow(row)])),
    nodes: nodeRows.map(nodeFromRow),
    events: new Map(eventRows.map(({ jobId, ...event }) => [jobId, event])),
  };
}
