import { jobNotFound, ShoalError } from '../../../schema/errors.ts';
import { DEFAULT_NAMESPACE, isWholeId, JobId } from '../../../schema/ids.ts';
import { endOfPrefix, type Statement } from './statement.ts';

/** The namespaces that the caller may see; null means all. What lies outside does not exist for it. */
export type Scope = readonly string[] | null;

/** How a user names a job: by name within a namespace, by id, or by the beginning of an id. */
export interface JobRef {
  /** Empty means `default`. It limits names only: an id is looked up in all namespaces of the scope. */
  readonly namespace: string;
  readonly text: string;
  readonly scope: Scope;
}

/** The values of `?1` to `?3`, and of `?4` for a scope, in `resolvedSql` and `resolveStatement`. */
export function refParams({ namespace, text, scope }: JobRef): (string | number | null)[] {
  // A whole id is never taken as the beginning of another.
  const end = text === '' || isWholeId(text) ? null : endOfPrefix(text);
  const params = [namespace === '' ? DEFAULT_NAMESPACE : namespace, text, end];
  return scope === null ? params : [...params, JSON.stringify(scope)];
}

/** At most two of the ids that begin with the text. In a scope each of its namespaces is searched by itself. */
function begunSql({ scope }: JobRef): string {
  return scope === null
    ? 'SELECT id FROM jobs WHERE id >= ?2 AND id < ?3 LIMIT 2'
    : `SELECT j.id AS id FROM json_each(?4) AS scope CROSS JOIN jobs AS j
       ON j.namespace = scope.value AND j.id >= ?2 AND j.id < ?3 LIMIT 2`;
}

/**
 * The id of the job that the reference names, or null: the name comes first, then the whole id, then an id that begins
 * so if there is only one. Part of other statements, so that a handler needs a single call to D1.
 * @see Bacalhau pkg/jobstore, GetJobByIDOrName
 */
export function resolvedSql(ref: JobRef): string {
  const own = ref.scope === null ? '' : ' AND namespace IN (SELECT value FROM json_each(?4))';
  return `(SELECT coalesce(
    (SELECT id FROM jobs WHERE namespace = ?1 AND name = ?2${own}),
    (SELECT id FROM jobs WHERE id = ?2${own}),
    (SELECT max(id) FROM (${begunSql(ref)}) HAVING count(*) = 1)))`;
}

/** Tells no match from too many; `readResolved` reads its rows. */
export function resolveStatement(ref: JobRef): Statement {
  return {
    sql: `SELECT ${resolvedSql(ref)} AS id, (SELECT count(*) FROM (${begunSql(ref)})) AS begin`,
    params: refParams(ref),
  };
}

/** @throws ShoalError 404 when there is no such job, 409 when several ids begin so */
export function readResolved(ref: JobRef, rows: readonly Record<string, unknown>[]): JobId {
  const id = JobId.safeParse(rows[0]?.['id']);
  if (id.success) return id.data;
  if (Number(rows[0]?.['begin']) < 2) throw jobNotFound(ref.text);
  throw new ShoalError('MultipleJobsFound', `multiple jobs found for id ${ref.text}`, {
    component: 'JobStore',
    hint: 'Use full job ID',
  });
}
