import { jobNotFound } from '../../../schema/errors.ts';
import type { Answer, RerunJob, SubmitAnswer } from '../commands.ts';
import type { Turn } from '../turn.ts';
import { beginVersion, databaseFull, remember } from './submit.ts';

/** Why a version was begun by a rerun; Bacalhau's servers know no other reason. */
const REASON = 'job rerun';

/**
 * Begins a new version with the specification of a stored one. Its clocks start anew.
 * @see Bacalhau pkg/orchestrator/endpoint.go: a job that has not run yet is not rerunnable
 */
export function rerunJob(turn: Turn, command: RerunJob): Answer<SubmitAnswer> {
  if (turn.env.isFull) return databaseFull();
  const existing = turn.world.job(command.jobId);
  if (existing === null) return { ok: false, error: jobNotFound(command.jobId).shape };
  if (existing.state === 'Pending' || existing.state === 'Queued' || existing.state === 'Undefined') {
    return {
      ok: false,
      error: {
        status: 409,
        code: '',
        component: 'Bacalhau',
        message: `cannot rerun job in state ${existing.state}`,
        hint: 'try to use the job run command instead of the job rerun command',
      },
    };
  }
  const job = beginVersion(turn, existing, command, REASON);
  turn.event(job.id, { topic: 'Submission', message: 'Job rerun requested', details: { Reason: REASON } });
  turn.setEvaluation(job.id, command.evaluationId);
  const value: SubmitAnswer = { jobId: job.id, evaluationId: command.evaluationId, version: job.version };
  remember(turn, command.commandId, job.id, value);
  return { ok: true, value };
}
