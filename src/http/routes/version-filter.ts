import type { VersionFilter } from '../../store/reads/version-filter.ts';
import type { Query } from '../query.ts';

/** A version by number wins over all versions; without either it is the latest. */
export function readVersionFilter(query: Query): VersionFilter {
  const version = query.uint('job_version');
  const all = query.bool('all_job_versions');
  if (version > 0) return version;
  return all ? 'all' : 'latest';
}
