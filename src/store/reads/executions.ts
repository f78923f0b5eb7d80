import { z } from 'zod';
import { EvaluationId, ExecutionId, JobId, NodeId, type EpochUs } from '../../../schema/ids.ts';
import { MAX_UNPAGED_ROWS } from '../../../schema/limits.ts';
import type { Resources } from '../../../schema/job/job.ts';
import type { Phases } from '../../../schema/phases.ts';
import type { RunOutput } from '../../../schema/records.ts';
import { computeStates, desiredStates, type ComputeState, type DesiredState } from '../../../schema/states.ts';
import { refParams, resolvedSql, type JobRef } from './resolve.ts';
import type { Statement } from './statement.ts';
import { versionSql, type VersionFilter } from './version-filter.ts';

/** An execution as it is shown. */
export interface ExecutionView {
  readonly id: ExecutionId;
  readonly namespace: string;
  readonly evalId: EvaluationId;
  readonly nodeId: NodeId;
  readonly jobId: JobId;
  readonly jobVersion: number;
  readonly partition: number;
  readonly computeState: ComputeState;
  readonly computeMessage: string;
  readonly desiredState: DesiredState;
  readonly desiredMessage: string;
  /** It was given up; should its node return with Completed while the partition is open, that counts all the same. */
  readonly fenced: boolean;
  readonly taskName: string;
  readonly resources: Resources;
  /** Null until the task has ended. */
  readonly output: RunOutput | null;
  /** Null until then, and where its agent does not say it. */
  readonly phases: Phases | null;
  readonly revision: number;
  readonly createdAt: EpochUs;
  readonly modifiedAt: EpochUs;
}

export interface ExecutionListQuery {
  readonly version: VersionFilter;
  /** Of the execution; null means any. */
  readonly namespace: string | null;
  readonly orderBy: 'created_at' | 'modified_at' | 'id';
  readonly reverse: boolean;
  readonly limit: number;
}

const ExecutionRow = z.object({
  id: ExecutionId,
  namespace: z.string(),
  eval_id: EvaluationId,
  node_id: NodeId,
  job_id: JobId,
  job_version: z.int(),
  partition: z.int(),
  compute_state: z.enum(computeStates),
  compute_message: z.string(),
  desired_state: z.enum(desiredStates),
  desired_message: z.string(),
  fenced: z.int(),
  resources: z.string(),
  output: z.string().nullable(),
  phases: z.string().nullable(),
  revision: z.int(),
  created_at: z.int(),
  modified_at: z.int(),
});

const COLUMNS = Object.keys(ExecutionRow.shape)
  .map((column) => `e.${column}`)
  .join(', ');

/** @param taskNames by job version */
export function readExecution(row: unknown, taskNames: ReadonlyMap<number, string>): ExecutionView {
  const read = ExecutionRow.parse(row);
  return {
    id: read.id,
    namespace: read.namespace,
    evalId: read.eval_id,
    nodeId: read.node_id,
    jobId: read.job_id,
    jobVersion: read.job_version,
    partition: read.partition,
    computeState: read.compute_state,
    computeMessage: read.compute_message,
    desiredState: read.desired_state,
    desiredMessage: read.desired_message,
    fenced: read.fenced === 1,
    taskName: taskNames.get(read.job_version) ?? '',
    resources: JSON.parse(read.resources) as Resources,
    output: read.output === null ? null : (JSON.parse(read.output) as RunOutput),
    phases: read.phases === null ? null : (JSON.parse(read.phases) as Phases),
    revision: read.revision,
    createdAt: read.created_at,
    modifiedAt: read.modified_at,
  };
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

const TaskNameRow = z.object({ version: z.int(), name: z.string() });

export function readTaskNames(rows: readonly unknown[]): ReadonlyMap<number, string> {
  return new Map(rows.map((row) => TaskNameRow.parse(row)).map(({ version, name }) => [version, name]));
}
