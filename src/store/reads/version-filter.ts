import { RESOLVED } from './resolve.ts';

/** One version by its number, the latest one, or all of them. */
export type VersionFilter = number | 'latest' | 'all';

/** A condition on `column`, in a statement whose `?1` to `?3` name the job. */
export function versionSql(column: string, filter: VersionFilter, bind: (value: number) => string): string {
  if (filter === 'all') return '';
  if (filter === 'latest') return ` AND ${column} = (SELECT version FROM jobs WHERE id = ${RESOLVED})`;
  return ` AND ${column} = ${bind(filter)}`;
}
