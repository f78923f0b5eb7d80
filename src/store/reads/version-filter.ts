import { resolvedSql, type JobRef } from './resolve.ts';

/** One version by its number, the latest one, or all of them. */
export type VersionFilter = number | 'latest' | 'all';

/** A condition on `column`, in a statement whose first parameters are those of the reference. */
export function versionSql(
  ref: JobRef,
  column: string,
  filter: VersionFilter,
  bind: (value: number) => string,
): string {
  if (filter === 'all') return '';
  if (filter === 'latest') return ` AND ${column} = (SELECT version FROM jobs WHERE id = ${resolvedSql(ref)})`;
  return ` AND ${column} = ${bind(filter)}`;
}
