import { RerunJobRequest, type RerunJobResponse } from '../../../schema/api/job.ts';
import { ShoalError } from '../../../schema/errors.ts';
import { EvaluationId } from '../../../schema/ids.ts';
import { bind } from '../../../schema/job/bind.ts';
import { keptCount } from '../../../schema/job/kept-count.ts';
import { needsOf } from '../../../schema/job/needs.ts';
import { specHash } from '../../../schema/job/spec-hash.ts';
import { jobRef } from '../auth/principal.ts';
import { readJsonBody } from '../body.ts';
import { command } from '../command.ts';
import type { Ctx, Deps } from '../deps.ts';
import { answer } from '../json.ts';

/** Puts a stored version of a job to work again, as a new version. */
export async function rerunJob(c: Ctx, deps: Deps, text: string): Promise<Response> {
  const body = bind(RerunJobRequest, (await readJsonBody(c)) ?? {});
  const job = await findVersion(c, deps, { namespace: body.Namespace ?? '', text, version: body.JobVersion ?? 0 });
  c.set('logFields', { jobId: job.id });
  // A job keeps the type that it was first submitted with.
  const spec = { ...job.spec, Type: job.type };
  const fields = {
    commandId: deps.newId(),
    jobId: job.id,
    evaluationId: EvaluationId.parse(deps.newId()),
    priority: spec.Priority,
    count: keptCount(job.type, { type: job.spec.Type, count: spec.Count }),
    needs: needsOf(spec),
    spec: JSON.stringify(job.spec),
    specHash: await specHash(job.spec),
  };
  const done = await command(deps, 'rerunJob', fields);
  return answer(c, {
    JobID: done.jobId,
    JobVersion: done.version,
    EvaluationID: done.evaluationId,
    Warnings: null,
  } satisfies RerunJobResponse);
}

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
