import type { VersionFilter } from '../../store/reads/version-filter.ts';

/** How a query says which versions of a job it is about. */
export interface VersionQuery {
  readonly job_version: number;
  readonly all_job_versions: boolean;
}

/** A version by number wins over all versions; without either it is the latest. */
export function versionFilter({ job_version: version, all_job_versions: all }: VersionQuery): VersionFilter {
  if (version > 0) return version;
  return all ? 'all' : 'latest';
}
