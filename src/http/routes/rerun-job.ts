import { RerunJobRequest, RerunJobResponse } from '../../../schema/api/job.ts';
import { ShoalError } from '../../../schema/errors.ts';
import { EvaluationId } from '../../../schema/ids.ts';
import { jobRef } from '../auth/principal.ts';
import { command } from '../command.ts';
import type { Ctx, Deps } from '../deps.ts';
import { specifiedBy } from '../specified.ts';
import { refusals } from './parameters.ts';
import { route, type Route } from './route.ts';

export const rerunJobRoutes: readonly Route[] = [
  route({
    id: 'rerunJob',
    method: 'put',
    path: '/api/v1/orchestrator/jobs/{id}/rerun',
    needs: 'write:job',
    tag: 'Jobs',
    summary: 'Run a stored version of a job again, as a new version',
    body: RerunJobRequest,
    answer: RerunJobResponse,
    errors: {
      400: 'The body cannot be read, or there is no such job or version.',
      409: 'The job waits to run already, or the beginning of an id fits several jobs.',
      413: refusals.large,
      503: refusals.unknownOutcome,
      507: refusals.full,
    },
    example: { path: { id: 'twice' }, body: { JobVersion: 1 } },
    handle: async ({ c, deps, part, body }) => {
      const { Namespace: namespace = '', JobVersion: version = 0 } = await body();
      const job = await findVersion(c, deps, { namespace, text: part('id'), version });
      c.set('logFields', { jobId: job.id });
      const done = await command(deps, 'rerunJob', {
        commandId: deps.newId(),
        jobId: job.id,
        evaluationId: EvaluationId.parse(deps.newId()),
        ...(await specifiedBy(job.spec, job.type)),
      });
      return { JobID: done.jobId, JobVersion: done.version, EvaluationID: done.evaluationId, Warnings: null };
    },
  }),
];

/** What other routes answer with 404 is a 400 here, as in Bacalhau. */
async function findVersion(
  c: Ctx,
  deps: Deps,
  { namespace, text, version }: { namespace: string; text: string; version: number },
) {
  try {
    const ref = jobRef(c, namespace, text);
    return (await deps.reads.getJob(ref, { version, executions: null, history: null })).job;
  } catch (error) {
    if (error instanceof ShoalError && error.shape.code === 'NotFound') {
      throw new ShoalError('BadRequest', error.message, { component: 'JobStore' });
    }
    throw error;
  }
}
