import { getTableColumns, type InferSelectModel, type Table } from 'drizzle-orm';
import type { commands, events, executions, jobLabels, jobs, jobVersions, nodes } from '../../schema/db/tables.ts';
import type { ExecutionRecord, JobRecord, Needs, NodeInfo, NodeRecord, Told } from '../../schema/records.ts';
import type { Phases } from '../../schema/phases.ts';
import type { EpochUs, ExecutionId, EvaluationId, JobId, NodeId } from '../../schema/ids.ts';
import type { Resources } from '../../schema/job/job.ts';
import type { CommandRow, ExecutionWrite, NewVersion } from '../core/turn.ts';
import type { EventRecord } from '../../schema/records.ts';
import { isOpen } from '../core/execution.ts';

/** Records to rows and back. Nested values are JSON text in a row; nothing else is converted. */

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

/** Without the output, which the Scheduler does not hold. */
export function executionFromRow({ open, phases, ...row }: Omit<ExecutionRow, 'output'>): ExecutionRecord {
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

export function versionToRow(version: NewVersion): VersionRow {
  return { ...version, state: null, stateMessage: null, revision: null, modifiedAt: null };
}

/** The labels of a version's specification, as rows of the job that was created at `createdAt`. */
export function labelsToRows({ jobId, spec }: NewVersion, createdAt: EpochUs): LabelRow[] {
  const { Labels: labels = {} } = JSON.parse(spec) as { Labels?: Record<string, string> };
  return Object.entries(labels).map(([key, value]) => ({ jobId, key, value, createdAt }));
}

export function commandToRow({ subject, ...command }: CommandRow, cell: string): CommandDbRow {
  return { ...command, jobId: subject, cell };
}

/** The columns of a table, in the order of its definition: key in a row object, name in SQL. */
export function columnsOf(table: Table): readonly { key: string; name: string }[] {
  return Object.entries(getTableColumns(table)).map(([key, column]) => ({ key, name: column.name }));
}
