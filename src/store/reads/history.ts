import { events } from '../../../schema/db/tables.ts';
import type { EventRecord } from '../../../schema/records.ts';
import type { EventType } from '../../../schema/states.ts';
import { eventFromRow, selectList, type EventRow } from '../rows.ts';
import { refParams, resolvedSql, type JobRef } from './resolve.ts';
import type { Row } from './run-batch.ts';
import { endOfPrefix, type Statement } from './statement.ts';
import { versionSql, type VersionFilter } from './version-filter.ts';

export interface HistoryQuery {
  readonly version: VersionFilter;
  /** Null means both. */
  readonly type: EventType | null;
  /** The beginning of an execution's id; empty means all events. */
  readonly executionId: string;
  /** Unix seconds; earlier events are left out. */
  readonly since: number;
  /** The first number that may be answered. */
  readonly fromSeq: number;
  readonly limit: number;
}

export function readEvent(row: Row): EventRecord {
  return eventFromRow(row as EventRow);
}

/** A page of events and one row more, which tells whether others follow. */
export function historyStatement(ref: JobRef, query: HistoryQuery): Statement {
  const params = refParams(ref);
  const bind = (value: string | number): string => `?${params.push(value)}`;
  const from = bind(query.fromSeq);
  const type = query.type === null ? '' : ` AND e.type = ${bind(query.type)}`;
  const execution =
    query.executionId === ''
      ? ''
      : ` AND e.execution_id >= ${bind(query.executionId)} AND e.execution_id < ${bind(endOfPrefix(query.executionId))}`;
  const since = query.since <= 0 ? '' : ` AND e.created_at >= ${bind(query.since * 1_000_000)}`;
  const sql = `SELECT ${selectList(events, 'e')}
    FROM events AS e WHERE e.job_id = ${resolvedSql(ref)} AND e.seq >= ${from}
    ${versionSql(ref, 'e.job_version', query.version, bind)}${type}${execution}${since}
    ORDER BY e.seq LIMIT ${bind(query.limit + 1)}`;
  return { sql, params };
}

/** What decides whether more may come: the job's state, and that of the executions that were asked for. */
export function progressStatement(ref: JobRef, executionId: string): Statement {
  const params = refParams(ref);
  const from = `?${params.push(executionId)}`;
  const end = `?${params.push(executionId === '' ? '' : endOfPrefix(executionId))}`;
  const counted = `SELECT count(*) FROM executions AS e WHERE e.job_id = j.id AND e.id >= ${from} AND e.id < ${end}`;
  return {
    sql: `SELECT state, (${counted}) AS executions, (${counted} AND e.open = 1) AS open
      FROM jobs AS j WHERE j.id = ${resolvedSql(ref)}`,
    params,
  };
}
