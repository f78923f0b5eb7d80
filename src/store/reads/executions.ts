import { executions } from '../../../schema/db/tables.ts';
import { MAX_UNPAGED_ROWS } from '../../../schema/limits.ts';
import type { Phases } from '../../../schema/phases.ts';
import type { ExecutionRecord, RunOutput } from '../../../schema/records.ts';
import { executionFromRow, selectList, type ExecutionRow } from '../rows.ts';
import { refParams, resolvedSql, type JobRef } from './resolve.ts';
import type { Row } from './run-batch.ts';
import type { Statement } from './statement.ts';
import { versionSql, type VersionFilter } from './version-filter.ts';

/**
 * An execution as it is shown. It was given up when it is `fenced`; should its node return with Completed while the
 * partition is open, that counts all the same.
 */
export interface ExecutionView extends Omit<ExecutionRecord, (typeof UNSHOWN)[number] | 'phases'> {
  readonly taskName: string;
  /** Null until the task has ended. */
  readonly output: RunOutput | null;
  /** Null until then, and where its agent does not say it. */
  readonly phases: Phases | null;
}

export interface ExecutionListQuery {
  readonly version: VersionFilter;
  /** Of the execution; null means any. */
  readonly namespace: string | null;
  readonly orderBy: 'created_at' | 'modified_at' | 'id';
  readonly reverse: boolean;
  readonly limit: number;
}

/** What only the Scheduler needs. */
const UNSHOWN = ['cell', 'failureClass', 'lastSeq', 'runningSince', 'open'] as const;
const COLUMNS = selectList(executions, 'e', UNSHOWN);

/** @param taskNames by job version */
export function readExecution(row: Row, taskNames: ReadonlyMap<number, string>): ExecutionView {
  const read = executionFromRow(row as Omit<ExecutionRow, (typeof UNSHOWN)[number]>);
  const output = read.output === null ? null : (JSON.parse(read.output) as RunOutput);
  return { ...read, output, phases: read.phases ?? null, taskName: taskNames.get(read.jobVersion) ?? '' };
}

/** The executions of a job version, the one that changed last first. @param version 0 means all */
export function newestExecutions(version: number): ExecutionListQuery {
  return {
    version: version === 0 ? 'all' : version,
    namespace: null,
    orderBy: 'modified_at',
    reverse: true,
    limit: MAX_UNPAGED_ROWS,
  };
}

export function executionListStatement(ref: JobRef, query: ExecutionListQuery): Statement {
  const params = refParams(ref);
  const bind = (value: string | number): string => `?${params.push(value)}`;
  const direction = query.reverse ? 'DESC' : 'ASC';
  const namespace = query.namespace === null ? '' : ` AND e.namespace = ${bind(query.namespace)}`;
  const sql = `SELECT ${COLUMNS} FROM executions AS e
    WHERE e.job_id = ${resolvedSql(ref)}${versionSql(ref, 'e.job_version', query.version, bind)}${namespace}
    ORDER BY e.${query.orderBy} ${direction}, e.id ${direction} LIMIT ${bind(query.limit)}`;
  return { sql, params };
}

/** The task's name in each version of the job: executions of many rows share it. */
export function taskNamesStatement(ref: JobRef): Statement {
  return {
    sql: `SELECT version, json_extract(spec, '$.Tasks[0].Name') AS name FROM job_versions WHERE job_id = ${resolvedSql(ref)}`,
    params: refParams(ref),
  };
}

export function readTaskNames(rows: readonly Row[]): ReadonlyMap<number, string> {
  return new Map((rows as readonly { version: number; name: string }[]).map(({ version, name }) => [version, name]));
}
