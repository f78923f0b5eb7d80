import { DryRunResponse, SubmitJobRequest, SubmitJobResponse } from '../../../schema/api/job.ts';
import { badRequest } from '../../../schema/errors.ts';
import { EvaluationId, JobId, type NodeId } from '../../../schema/ids.ts';
import type { JobSpec } from '../../../schema/job/job.ts';
import { issueText } from '../../../schema/issue-text.ts';
import { problemText } from '../../../schema/problems.ts';
import { parseSubmission, RESERVED_META, type Submission } from '../../../schema/job/parse-submission.ts';
import { MAX_IDEMPOTENCY_TOKEN_CHARS } from '../../../schema/limits.ts';
import type { SubmitJob } from '../../scheduler/rpc.ts';
import { requireNamespace, scopeOf } from '../auth/principal.ts';
import { readJsonBody } from '../body.ts';
import { command } from '../command.ts';
import type { Ctx, Deps } from '../deps.ts';
import { specHash } from '../spec-hash.ts';
import { specifiedBy } from '../specified.ts';
import { refusals } from './parameters.ts';
import { route, type Route } from './route.ts';

const MAX_CLIENT_ID_CHARS = 256;
const ID_IGNORED = 'job ID is ignored: only who may see all namespaces chooses ids';

const JOBS = '/api/v1/orchestrator/jobs';

/** A job as short as it may be. */
const job = (Name: string) => ({
  Job: {
    Name,
    Type: 'batch',
    Tasks: [
      { Name: 'main', Engine: { Type: 'docker', Params: { Image: 'busybox:latest', Entrypoint: ['echo', 'hello'] } } },
    ],
  },
});

const common = {
  path: JOBS,
  needs: 'write:job',
  tag: 'Jobs',
  body: SubmitJobRequest,
  answer: SubmitJobResponse,
  errors: {
    400: refusals.unreadable,
    409: 'Nothing differs from the job of this name, which is still active; or its `IdempotencyToken` was used for another one.',
    413: refusals.large,
    503: refusals.unknownOutcome,
    507: refusals.full,
  },
  handle: ({ c, deps }: { readonly c: Ctx; readonly deps: Deps }) => submitJob(c, deps),
} as const;

export const submitJobRoutes: readonly Route[] = [
  route({
    ...common,
    id: 'submitJob',
    method: 'put',
    summary: 'Submit a job, or a new version of the job with the same name',
    example: { body: { ...job('greeting'), Force: true } },
  }),
  route({ ...common, id: 'postJob', method: 'post', summary: 'The same as PUT', example: { body: job('by-post') } }),
  route({
    id: 'dryRunJob',
    method: 'post',
    path: '/api/v1/shoal/dry-run',
    needs: 'write:job',
    tag: 'Jobs',
    summary: 'Where a job would run if it were submitted, or why not; nothing is stored',
    body: SubmitJobRequest,
    answer: DryRunResponse,
    errors: { 400: refusals.unreadable, 413: refusals.large, 503: 'Scheduler or database do not answer.' },
    example: { body: job('not-yet') },
    handle: ({ c, deps }) => dryRun(c, deps),
  }),
];

/** Takes a job, or a new version of the job with the same name. */
async function submitJob(c: Ctx, deps: Deps): Promise<SubmitJobResponse> {
  const { fields, warnings: own } = await readSubmission(c, deps);
  const done = await command(deps, 'submitJob', fields);
  c.set('logFields', { jobId: done.jobId });
  const warnings = [...own, ...(done.warnings ?? [])];
  return {
    JobID: done.jobId,
    EvaluationID: done.evaluationId,
    Warnings: warnings.length === 0 ? null : warnings,
  };
}

/** Where a submission would run, or why not: read, checked and refused as the submission itself would be. Nothing is stored. */
async function dryRun(c: Ctx, deps: Deps): Promise<DryRunResponse> {
  const { fields, warnings } = await readSubmission(c, deps);
  const run = await deps.scheduler.dryRun({ ...fields, retry: false });
  const all = [...warnings, ...run.warnings];
  return {
    Starts: run.starts,
    Nodes: run.nodes.map(({ nodeId, reason }) => ({ NodeID: nodeId, Suitable: reason === '', Reason: reason })),
    Warnings: all.length === 0 ? null : all,
  };
}

/**
 * Reads a submission from the request's body, whoever is to have it.
 * @throws ShoalError 400 with what is wrong in it, 403 when its namespace is not the caller's
 */
async function readSubmission(
  c: Ctx,
  deps: Deps,
): Promise<{ readonly fields: Omit<SubmitJob, 'retry'>; readonly warnings: readonly string[] }> {
  const submission = parseSubmission((await readJsonBody(c)) ?? {});
  const { requestedId } = submission;
  // Ids are the installation's: who may not see all of it must not learn which of them are taken.
  const mayChoose = scopeOf(c) === null;
  const wanted = (mayChoose ? requestedId : null) ?? `j-${deps.newId()}`;
  const id = JobId.safeParse(wanted);
  if (!id.success)
    throw badRequest(problemText(id.error.issues.map((one) => issueText(one, { root: wanted, whole: 'Job.ID' }))));
  const ignored = requestedId !== null && !mayChoose ? [ID_IGNORED] : [];
  const warnings = [...submission.warnings, ...ignored];
  requireNamespace(c, submission.spec.Namespace);
  const token = readToken(c, submission);
  const spec = complete(submission.spec, { id: id.data, orchestratorId: await deps.reads.orchestratorId() }, c);
  const asked = await specifiedBy(spec);
  const idempotency = token === '' ? null : { token, requestHash: await requestHash(submission, asked.specHash) };
  const fields = {
    commandId: deps.newId(),
    jobId: id.data,
    evaluationId: EvaluationId.parse(deps.newId()),
    namespace: spec.Namespace,
    name: spec.Name,
    type: spec.Type,
    ...asked,
    force: submission.force,
    ...(idempotency !== null && { idempotency }),
  };
  return { fields, warnings };
}

/** Fills in what only the server knows: the name of an unnamed job, and who took it in. */
function complete(spec: JobSpec, { id, orchestratorId }: { id: JobId; orchestratorId: NodeId }, c: Ctx): JobSpec {
  const installation = c.req.header('X-Bacalhau-InstallationID') ?? '';
  const instance = c.req.header('X-Bacalhau-InstanceID') ?? '';
  const meta = {
    ...spec.Meta,
    ...clientMeta('client.installation.id', installation),
    ...clientMeta('client.instance.id', instance),
    [`${RESERVED_META}orchestrator.id`]: orchestratorId,
    [`${RESERVED_META}requester.id`]: orchestratorId,
  };
  return { ...spec, Name: spec.Name === '' ? id : spec.Name, Meta: meta };
}

/** The client's own token, from the body or the header `Idempotency-Key`; empty when there is none. */
function readToken(c: Ctx, { idempotencyToken }: Submission): string {
  const header = (c.req.header('Idempotency-Key') ?? '').toWellFormed();
  if (header !== '' && idempotencyToken !== '' && header !== idempotencyToken) {
    throw badRequest('IdempotencyToken and the header Idempotency-Key differ');
  }
  const token = header || idempotencyToken;
  if (token.length > MAX_IDEMPOTENCY_TOKEN_CHARS || token.includes('\0')) {
    throw badRequest(`IdempotencyToken: at most ${MAX_IDEMPOTENCY_TOKEN_CHARS} characters, none of them NUL`);
  }
  return token;
}

/**
 * What a client's token stands for: what was asked for, however it was spelt. Only the name of an unnamed job is none of
 * it, as it is made anew with every submission.
 * @param completed  the hash of the specification once it is complete
 */
async function requestHash({ spec, force, requestedId }: Submission, completed: string): Promise<string> {
  const hash = spec.Name === '' ? await specHash(spec) : completed;
  return `${hash}:${force}:${requestedId ?? ''}`;
}

function clientMeta(key: string, value: string): Record<string, string> {
  return value === '' ? {} : { [RESERVED_META + key]: value.slice(0, MAX_CLIENT_ID_CHARS).toWellFormed() };
}
