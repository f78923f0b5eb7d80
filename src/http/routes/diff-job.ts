import { DiffJobResponse, SubmitJobRequest } from '../../../schema/api/job.ts';
import { badRequest, ShoalError } from '../../../schema/errors.ts';
import type { JobSpec } from '../../../schema/job/job.ts';
import { bindSubmission, isReserved, validateSubmission } from '../../../schema/job/parse-submission.ts';
import { maySee } from '../auth/principal.ts';
import { readJsonBody } from '../body.ts';
import type { Ctx, Deps } from '../deps.ts';
import { diffLines } from '../line-diff.ts';
import { canonicalSpec, specHash } from '../spec-hash.ts';
import { refusals } from './parameters.ts';
import { route, type Route } from './route.ts';

export const diffJobRoutes: readonly Route[] = [
  route({
    id: 'diffJob',
    method: 'put',
    path: '/api/v1/orchestrator/jobs/diff',
    needs: 'write:job',
    tag: 'Jobs',
    summary: 'Show how a submission would change the job of its name; nothing is stored',
    body: SubmitJobRequest,
    answer: DiffJobResponse,
    errors: { 400: refusals.unreadable, 404: 'No job has this name.', 413: refusals.large },
    example: {
      body: {
        Job: {
          Name: 'hello',
          Type: 'batch',
          Count: 2,
          Labels: { team: 'green' },
          Tasks: [{ Name: 'main', Engine: { Type: 'docker', Params: { Image: 'busybox:latest' } } }],
        },
      },
    },
    handle: ({ c, deps }) => diffJob(c, deps),
  }),
];

async function diffJob(c: Ctx, deps: Deps): Promise<DiffJobResponse> {
  const body = (await readJsonBody(c)) ?? {};
  const bound = bindSubmission(body);
  if ((bound.Job.Name ?? '').trim() === '') throw badRequest('invalid job spec: name is missing');
  const { spec, warnings } = validateSubmission(bound, body);
  const { Name: name, Namespace: namespace } = spec;
  const stored = maySee(c, namespace) ? await deps.reads.findByName(namespace, name) : null;
  if (stored === null) {
    throw new ShoalError('NotFound', `job name index not found: ${name}:${namespace}`, { component: 'JobStore' });
  }
  const isSame = (await specHash(stored.spec)) === (await specHash(spec));
  return {
    Diff: isSame ? '' : diffLines(textOf(stored.spec), textOf(spec)),
    Warnings: warnings.length === 0 ? null : [...warnings],
  };
}

/** What counts of a specification, its keys in the order in which a job is shown. */
function textOf(spec: JobSpec): string {
  const { Meta: meta, ...rest } = canonicalSpec(spec);
  return JSON.stringify({ ...rest, Meta: sorted(meta), Labels: sorted(spec.Labels) }, null, 2);
}

function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(map).filter(([key]) => !isReserved(key));
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
