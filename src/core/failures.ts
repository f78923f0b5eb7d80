import { MAX_ATTEMPTS, MAX_LOST_NODES } from '../../schema/limits.ts';
import type { ExecutionRecord } from '../../schema/records.ts';
import { isTerminalJobState, runsOnEveryNode } from '../../schema/states.ts';
import { failJob } from './job-state.ts';
import type { Turn } from './turn.ts';

/**
 * Decides what a failed attempt means for its job: another attempt, or the end. Infrastructure failures do not spend the
 * user's attempts; a permanent error is never tried again. What fails on one node of an ops or daemon job says nothing
 * about the others, and a service is tried for ever.
 */
export function judgeFailure(turn: Turn, execution: ExecutionRecord): void {
  const job = turn.world.job(execution.jobId);
  if (job === null || isTerminalJobState(job.state) || job.version !== execution.jobVersion) return;
  turn.markDirty(job.id);
  if (runsOnEveryNode(job.type)) return;
  const attempts = turn.world.book(job).attempts(execution.partition);
  const reason = execution.computeMessage || execution.desiredMessage;
  if (attempts.permanent !== null) {
    failJob(turn, job, { topic: 'Scheduling', message: reason, details: { FailsExecution: 'true' } });
  } else if (job.type === 'batch' && attempts.failures >= MAX_ATTEMPTS) {
    failJob(turn, job, {
      topic: 'Scheduling',
      message: `Job failed because it has been retried too many times. last failure: ${reason}`,
    });
  } else if (attempts.lostNodes.size >= MAX_LOST_NODES) {
    failJob(turn, job, {
      topic: 'Scheduling',
      message: `Job failed because ${attempts.lostNodes.size} nodes were lost while starting partition ${execution.partition}`,
    });
  }
}
