import type { ExecutionRecord, JobRecord } from '../../../schema/records.ts';
import { isTerminalComputeState } from '../../../schema/states.ts';

/** Not over: charged to its node. */
export function isOpen(execution: ExecutionRecord): boolean {
  return !isTerminalComputeState(execution.computeState);
}

/** Not over, and wanted. */
export function isLive(execution: ExecutionRecord): boolean {
  return isOpen(execution) && execution.desiredState !== 'Stopped';
}

/** What there is at most one live execution of: a partition, or a node for jobs that run on every one. */
export function slotKey(job: JobRecord | undefined, execution: ExecutionRecord): string {
  const { jobId, jobVersion, nodeId, partition } = execution;
  const slot = job?.type === 'ops' || job?.type === 'daemon' ? nodeId : partition;
  return `${jobId}/${jobVersion}/${slot}`;
}
