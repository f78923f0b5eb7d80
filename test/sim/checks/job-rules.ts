import type { ExecutionRecord, JobRecord } from '../../../schema/records.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import type { StoredJob } from '../../../src/store/memory-store.ts';
import { isLive, isOpen } from './store-rules.ts';

/**
 * Whether a job's row fits its executions, written down anew from the promises and not from the code that keeps them.
 * @param executions of the current version, and those of older ones that are not over
 * @returns what is wrong, or null
 */
export function checkJobState({ job, active }: StoredJob, executions: readonly ExecutionRecord[]): string | null {
  const isEnded = isTerminalJobState(job.state);
  if (active !== (!isEnded || executions.some(isOpen))) return `it is ${active ? '' : 'not '}marked active`;
  const live = executions.filter(isLive);
  if (live.some((e) => e.jobVersion !== job.version)) return 'an execution of an older version is wanted';
  if (isEnded && live.length > 0) return `it is ${job.state} and ${live.length} executions are live`;
  const current = executions.filter((e) => e.jobVersion === job.version);
  return checkBatch(job, current, live);
}

function checkBatch(
  job: JobRecord,
  current: readonly ExecutionRecord[],
  live: readonly ExecutionRecord[],
): string | null {
  const completed = new Set(current.filter((e) => e.computeState === 'Completed').map((e) => e.partition)).size;
  const taken = live.filter((e) => e.computeState !== 'New').length;
  const partitions = new Set(live.map((e) => e.partition));
  for (const partition of partitions) {
    if (partition < 0 || partition >= job.count) return `partition ${partition} of ${job.count} is live`;
  }
  if (completed >= job.count && job.state !== 'Completed') return `all partitions are Completed and it is ${job.state}`;
  switch (job.state) {
    case 'Completed':
      return completed >= job.count ? null : `it is Completed with ${completed} of ${job.count}`;
    case 'Running':
      return live.length > 0 ? null : 'it is Running and nothing is live';
    case 'Pending':
      return taken === 0 && live.length > 0 ? null : `it is Pending with ${live.length} live, ${taken} taken`;
    case 'Queued':
      if (live.length > 0) return `it is Queued with ${live.length} live`;
      return job.waitingSince === null ? 'it is Queued and does not know since when' : null;
    case 'Failed':
    case 'Stopped':
      return null;
    case 'Undefined':
      return 'it is Undefined';
  }
}
