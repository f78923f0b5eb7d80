import type { EpochUs, JobId } from '../../../schema/ids.ts';
import type { JobSpec } from '../../../schema/job/job.ts';
import { MAX_LIST_BYTES } from '../../../schema/limits.ts';
import type { Requirement } from '../../../schema/selector.ts';
import type { JobState, JobType } from '../../../schema/states.ts';
import { refParams, resolvedSql, type JobRef } from './resolve.ts';
import type { Row } from './run-batch.ts';
import { searchOf, selectorSql, valueSql } from './selector-sql.ts';
import type { Statement } from './statement.ts';

/** A job at one of its versions, as it is shown. */
export interface JobView {
  readonly id: JobId;
  readonly namespace: string;
  readonly name: string;
  /** Kept over updates, so it may differ from the specification's. */
  readonly type: JobType;
  readonly state: JobState;
  readonly stateMessage: string;
  readonly version: number;
  readonly revision: number;
  readonly createdAt: EpochUs;
  readonly modifiedAt: EpochUs;
  readonly spec: JobSpec;
}

export type JobOrder = 'created_at' | 'modified_at';

/** Where a page of jobs ended. */
export interface JobCursor {
  readonly at: EpochUs;
  readonly id: string;
}

export interface JobListQuery {
  /** Null means all; a few at most, as each is a search of its own. */
  readonly namespaces: readonly string[] | null;
  readonly orderBy: JobOrder;
  readonly reverse: boolean;
  /** Null for the first page. */
  readonly after: JobCursor | null;
  /** At most MAX_LIST_ROWS. */
  readonly limit: number;
  readonly labels: readonly Requirement[];
}

/** `v.state` and its neighbours are set only for a version that was superseded: how the job stood then. */
const COLUMNS = `j.id, j.namespace, j.name, j.type, v.version, coalesce(v.state, j.state) AS state,
    coalesce(v.state_message, j.state_message) AS "stateMessage", coalesce(v.revision, j.revision) AS revision,
    j.created_at AS "createdAt", coalesce(v.modified_at, j.modified_at) AS "modifiedAt", v.spec`;

export function readJob(row: Row): JobView {
  const { pageRows: _, ...read } = row as Omit<JobView, 'spec'> & { spec: string; pageRows?: number };
  return { ...read, spec: JSON.parse(read.spec) as JobSpec };
}

/** The job at one version; 0 means the latest. */
export function jobStatement(ref: JobRef, version: number): Statement {
  const params = refParams(ref);
  const wanted = `?${params.push(version)}`;
  return {
    sql: `SELECT ${COLUMNS} FROM jobs AS j CROSS JOIN job_versions AS v
      ON v.job_id = j.id AND v.version = CASE WHEN ${wanted} = 0 THEN j.version ELSE ${wanted} END
      WHERE j.id = ${resolvedSql(ref)}`,
    params,
  };
}

/** The job at each of its versions, oldest first, the newest `limit` of them, or fewer when they are large. */
export function versionListStatement(ref: JobRef, limit: number): Statement {
  const params = refParams(ref);
  const bind = (value: number): string => `?${params.push(value)}`;
  return {
    sql: `WITH sized AS (SELECT v.job_id, v.version, sum(octet_length(v.spec)) OVER
        (ORDER BY v.version DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM jobs AS j CROSS JOIN job_versions AS v ON v.job_id = j.id
        WHERE j.id = ${resolvedSql(ref)} AND v.version > j.version - ${bind(limit)})
      SELECT ${COLUMNS} FROM sized CROSS JOIN jobs AS j ON j.id = sized.job_id
      CROSS JOIN job_versions AS v ON v.job_id = sized.job_id AND v.version = sized.version
      WHERE coalesce(sized.before, 0) < ${bind(MAX_LIST_BYTES)} ORDER BY v.version`,
    params,
  };
}

/** The current version of the job of this name; an id is not looked at. */
export function jobByNameStatement(namespace: string, name: string): Statement {
  return {
    sql: `SELECT ${COLUMNS} FROM jobs AS j CROSS JOIN job_versions AS v ON v.job_id = j.id AND v.version = j.version
      WHERE j.namespace = ?1 AND j.name = ?2`,
    params: [namespace, name],
  };
}

/**
 * A page of jobs and one row more, which tells whether another page follows. It ends early where the documents become
 * too much; `pageRows` says how many rows there would be. The cursor's comparison is there for the first page too, so
 * that the query is always a search in the index of its order. `CROSS JOIN` keeps SQLite from starting with the versions.
 *
 * @param inNamespace one of the query's; null for all
 */
export function jobListStatement(query: JobListQuery, inNamespace: string | null): Statement {
  const params: (string | number)[] = [];
  const bind = (value: string | number): string => `?${params.push(value)}`;
  const first = query.reverse ? { at: Number.MAX_SAFE_INTEGER, id: '' } : { at: 0, id: '' };
  const { at, id } = query.after ?? first;
  const [sign, direction] = query.reverse ? ['<', 'DESC'] : ['>', 'ASC'];
  const { driver, rest } = searchOf(query.labels);
  // Labels are kept in the order of creation alone; any other order walks the jobs.
  const byLabel = query.orderBy === 'created_at' ? driver : null;
  const [from, order] =
    byLabel === null
      ? ['jobs AS j', [`j.${query.orderBy}`, 'j.id']]
      : ['job_labels AS label CROSS JOIN jobs AS j ON j.id = label.job_id', ['label.created_at', 'label.job_id']];
  const label = byLabel === null ? '' : `label.key = ${bind(byLabel.key)}${valueSql(byLabel, bind)} AND `;
  const namespace = inNamespace === null ? '' : `j.namespace = ${bind(inNamespace)} AND `;
  const page = `SELECT j.id AS id, j.${query.orderBy} AS at, octet_length(v.spec) AS bytes
    FROM ${from} CROSS JOIN job_versions AS v ON v.job_id = j.id AND v.version = j.version
    WHERE ${label}${namespace}(${order.join(', ')}) ${sign} (${bind(at)}, ${bind(id)})${selectorSql(byLabel === null ? query.labels : rest, bind)}
    ORDER BY ${order.map((column) => `${column} ${direction}`).join(', ')} LIMIT ${bind(query.limit + 1)}`;
  return { sql: withinBytes(page, direction, bind(MAX_LIST_BYTES)), params };
}

/** The rows of `page` (id, at, bytes) up to the one with which their documents exceed `most` bytes, in no order. */
function withinBytes(page: string, direction: string, most: string): string {
  return `WITH page AS (${page}), sized AS (SELECT id, count(*) OVER () AS page_rows, sum(bytes) OVER
      (ORDER BY at ${direction}, id ${direction} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM page)
    SELECT ${COLUMNS}, sized.page_rows AS "pageRows" FROM sized CROSS JOIN jobs AS j ON j.id = sized.id
    CROSS JOIN job_versions AS v ON v.job_id = j.id AND v.version = j.version
    WHERE coalesce(sized.before, 0) < ${most}`;
}
