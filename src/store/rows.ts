import { getTableColumns, type InferSelectModel, type Table } from 'drizzle-orm';
import type { commands, events, executions, jobLabels, jobs, jobVersions, nodes } from '../../schema/db/tables.ts';
import type { ExecutionRecord, JobRecord, Needs, NodeInfo, NodeRecord, Told } from '../../schema/records.ts';
import type { Phases } from '../../schema/phases.ts';
import type { EpochUs, ExecutionId, EvaluationId, JobId, NodeId } from '../../schema/ids.ts';
import type { Resources } from '../../schema/job/job.ts';
import type { CommandRow, ExecutionWrite, NewVersion } from '../core/turn.ts';
import type { EventRecord } from '../../schema/records.ts';
import { isOpen } from '../core/execution.ts';

/**
 * Records to rows and back, for all who write or read any. Rows are read under the keys of their records; nested values are
 * JSON text in a row, and flags 0 or 1. What is in the database was checked before it was written.
 */

export type JobRow = InferSelectModel<typeof jobs>;
export type ExecutionRow = InferSelectModel<typeof executions>;
export type NodeRow = InferSelectModel<typeof nodes>;
export type EventRow = InferSelectModel<typeof events>;
export type VersionRow = InferSelectModel<typeof jobVersions>;
type LabelRow = InferSelectModel<typeof jobLabels>;
type CommandDbRow = InferSelectModel<typeof commands>;

export function jobToRow(job: JobRecord, active: boolean): JobRow {
  const told = job.told === null ? '' : JSON.stringify(job.told);
  return { ...job, needs: JSON.stringify(job.needs), told, active: active ? 1 : 0 };
}

export function jobFromRow({ active, ...row }: JobRow): JobRecord {
  const told = row.told === '' ? null : (JSON.parse(row.told) as Told);
  return { ...row, id: row.id as JobId, needs: JSON.parse(row.needs) as Needs, told };
}

export function executionToRow({ execution, output }: ExecutionWrite): ExecutionRow {
  return {
    ...execution,
    fenced: execution.fenced ? 1 : 0,
    open: isOpen(execution) ? 1 : 0,
    resources: JSON.stringify(execution.resources),
    phases: execution.phases === undefined ? null : JSON.stringify(execution.phases),
    output: output === null ? null : JSON.stringify(output),
  };
}

/** What is no plain value of its column. */
type Converted = Pick<ExecutionRecord, 'id' | 'jobId' | 'nodeId' | 'evalId' | 'fenced' | 'resources' | 'phases'>;

/** Other columns that were read stay as they are. */
export function executionFromRow<Row extends Pick<ExecutionRow, keyof Converted>>({
  phases,
  ...row
}: Row): Omit<Row, keyof Converted> & Converted {
  return {
    ...row,
    id: row.id as ExecutionId,
    jobId: row.jobId as JobId,
    nodeId: row.nodeId as NodeId,
    evalId: row.evalId as EvaluationId,
    fenced: row.fenced === 1,
    resources: JSON.parse(row.resources) as Resources,
    ...(phases !== null && { phases: JSON.parse(phases) as Phases }),
  };
}

export function nodeToRow(node: NodeRecord): NodeRow {
  return { ...node, draining: node.draining ? 1 : 0, info: JSON.stringify(node.info) };
}

export function nodeFromRow(row: NodeRow): NodeRecord {
  return { ...row, id: row.id as NodeId, draining: row.draining === 1, info: JSON.parse(row.info) as NodeInfo };
}

export function eventToRow(event: EventRecord): EventRow {
  return { ...event, details: JSON.stringify(event.details) };
}

export function eventFromRow(row: EventRow): EventRecord {
  return {
    ...row,
    jobId: row.jobId as JobId,
    executionId: row.executionId as ExecutionId | '',
    details: JSON.parse(row.details) as Record<string, string>,
  };
}

export function versionToRow({ labels: _, ...version }: NewVersion): VersionRow {
  return { ...version, state: null, stateMessage: null, revision: null, modifiedAt: null };
}

/** The labels of a version, as rows of the job that was created at `createdAt`. */
export function labelsToRows({ jobId, labels }: NewVersion, createdAt: EpochUs): LabelRow[] {
  return Object.entries(labels).map(([key, value]) => ({ jobId, key, value, createdAt }));
}

export function commandToRow({ subject, ...command }: CommandRow, cell: string): CommandDbRow {
  return { ...command, jobId: subject, cell };
}

/** What a SELECT names so that rows are read under the keys of their records. @param without  columns that nobody reads */
export function selectList<T extends Table>(
  table: T,
  alias: string,
  without: readonly (keyof InferSelectModel<T> & string)[] = [],
): string {
  const unread: ReadonlySet<string> = new Set(without);
  return columnsOf(table)
    .filter(({ key }) => !unread.has(key))
    .map(({ key, name }) => `${alias}."${name}" AS "${key}"`)
    .join(', ');
}

/** The columns of a table, in the order of its definition: key in a row object, name in SQL. */
export function columnsOf(table: Table): readonly { key: string; name: string }[] {
  return Object.entries(getTableColumns(table)).map(([key, column]) => ({ key, name: column.name }));
}
