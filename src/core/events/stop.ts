import { jobNotFound } from '../../../schema/errors.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import type { Answer, StopAnswer, StopJob } from '../commands.ts';
import { stopAll } from '../job-state.ts';
import { concluded } from '../kinds/batch.ts';
import type { Turn } from '../turn.ts';
import { remember } from './submit.ts';

/** Ends a job at its user's wish. Its executions end when their agents say so. */
export function stopJob(turn: Turn, command: StopJob): Answer<StopAnswer> {
  const known = turn.world.job(command.jobId);
  if (known === null) return { ok: false, error: jobNotFound(command.jobId).shape };
  const job = concluded(turn, known);
  if (job.state === 'Completed') {
    return {
      ok: false,
      error: { status: 409, code: '', component: 'Bacalhau', message: `cannot stop job in state ${job.state}` },
    };
  }
  if (isTerminalJobState(job.state)) return { ok: true, value: { evaluationId: '' } };
  turn.setEvaluation(job.id, command.evaluationId);
  turn.updateJob(job.id, { state: 'Stopped', stateMessage: command.reason, waitingSince: null });
  turn.event(job.id, {
    topic: 'Scheduling',
    message: 'Job requested to stop before completion',
    details: { Reason: command.reason },
  });
  stopAll(turn, job, 'Execution stop requested because job has been stopped');
  const value: StopAnswer = { evaluationId: command.evaluationId };
  remember(turn, command.commandId, job.id, value);
  return { ok: true, value };
}
