import { jobNotFound, ShoalError } from '../../../schema/errors.ts';
import { JobId } from '../../../schema/ids.ts';
import { endOfPrefix, type Statement } from './statement.ts';

/** How a user names a job: by name within a namespace, by id, or by the beginning of an id. */
export interface JobRef {
  /** Empty means `default`. It limits names only: an id is looked up in all namespaces. */
  readonly namespace: string;
  readonly text: string;
}

const DEFAULT_NAMESPACE = 'default';
/** A whole id, with or without its letter, is never taken as the beginning of another. */
const WHOLE_ID = /^([a-z]-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The values of `?1` to `?3` in `RESOLVED` and `resolveStatement`. */
export function refParams({ namespace, text }: JobRef): [string, string, string | null] {
  const end = text === '' || WHOLE_ID.test(text) ? null : endOfPrefix(text);
  return [namespace === '' ? DEFAULT_NAMESPACE : namespace, text, end];
}

/**
 * The id of the job that `?1` to `?3` name, or null: the name comes first, then the whole id, then an id that begins so
 * if there is only one. Part of other statements, so that a handler needs a single call to D1.
 * @see Bacalhau pkg/jobstore, GetJobByIDOrName
 */
export const RESOLVED = `(SELECT coalesce(
    (SELECT id FROM jobs WHERE namespace = ?1 AND name = ?2),
    (SELECT id FROM jobs WHERE id = ?2),
    (SELECT max(id) FROM (SELECT id FROM jobs WHERE id >= ?2 AND id < ?3 LIMIT 2) HAVING count(*) = 1)))`;

/** Tells no match from too many; `readResolved` reads its rows. */
export function resolveStatement(ref: JobRef): Statement {
  return {
    sql: `SELECT ${RESOLVED} AS id, (SELECT count(*) FROM (SELECT id FROM jobs WHERE id >= ?2 AND id < ?3 LIMIT 2)) AS begin`,
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
