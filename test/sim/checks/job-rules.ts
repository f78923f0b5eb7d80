import type { ExecutionRecord, JobRecord } from '../../../schema/records.ts';
import { isTerminalJobState, type JobState } from '../../../schema/states.ts';
import type { StoredJob } from '../../../src/store/memory-store.ts';
import { isLive, isOpen } from './rows.ts';

/** The executions of one job, as the rules look at them. */
interface Looked {
  readonly job: JobRecord;
  readonly current: readonly ExecutionRecord[];
  readonly live: readonly ExecutionRecord[];
}

/**
 * Whether a job's row fits its executions, written down anew from the promises and not from the code that keeps them.
 * @param executions of the current version, and those of older ones that are not over
 * @returns what is wrong, or null
 */
export function checkJobState({ job, active }: StoredJob, executions: readonly ExecutionRecord[]): string | null {
  const isEnded = isTerminalJobState(job.state);
  if (active !== (!isEnded || executions.some(isOpen))) return `it is ${active ? '' : 'not '}marked active`;
  const live = executions.filter(isLive);
  if (isEnded) {
    if (live.length > 0) return `it is ${job.state} and ${live.length} executions are live`;
  } else if (job.type !== 'service' && live.some((e) => e.jobVersion !== job.version)) {
    return 'an execution of an older version is wanted';
  }
  const looked = { job, current: executions.filter((e) => e.jobVersion === job.version), live };
  return checkSlots(looked) ?? checkEnd(looked) ?? checkLiveness(looked);
}

/** One live execution a partition or node, whatever its version; only partitions that exist. */
function checkSlots({ job, live }: Looked): string | null {
  const slots = new Set<string | number>();
  for (const { nodeId, partition, jobVersion } of live) {
    const slot = job.type === 'ops' || job.type === 'daemon' ? nodeId : partition;
    if (slots.has(slot)) return `slot ${slot} has two live executions`;
    slots.add(slot);
    if (typeof slot === 'number' && jobVersion === job.version && slot >= job.count) return `partition ${slot} is live`;
  }
  return null;
}

/** Completed means that all is done, and only that. */
function checkEnd({ job, current }: Looked): string | null {
  const completed = new Set(current.filter((e) => e.computeState === 'Completed').map((e) => e.partition)).size;
  if (job.state === 'Completed') {
    if (job.type === 'service' || job.type === 'daemon') return `a ${job.type} job is Completed`;
    if (job.type === 'batch')
      return completed >= job.count ? null : `it is Completed with ${completed} of ${job.count}`;
    const done = new Set(current.filter((e) => e.computeState === 'Completed').map((e) => e.nodeId));
    return current.every((e) => done.has(e.nodeId)) ? null : 'it is Completed and failed on some node';
  }
  if (job.type === 'batch' && completed >= job.count) return `all partitions are Completed and it is ${job.state}`;
  return null;
}

function checkLiveness({ job, live }: Looked): string | null {
  const taken = live.filter((e) => e.computeState !== 'New').length;
  switch (job.state) {
    case 'Running':
      return live.length > 0 ? null : 'it is Running and nothing is live';
    case 'Pending':
      if (job.type === 'service' && job.count === 0) return null;
      return taken === 0 && live.length > 0 ? null : `it is Pending with ${live.length} live, ${taken} taken`;
    case 'Queued':
      if (live.length > 0) return `it is Queued with ${live.length} live`;
      return job.waitingSince === null ? 'it is Queued and does not know since when' : null;
    case 'Completed':
    case 'Failed':
    case 'Stopped':
    case 'Undefined':
      return job.state === ('Undefined' satisfies JobState) ? 'it is Undefined' : null;
  }
}
