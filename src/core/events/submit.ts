import { COMMAND_TTL_MS, IDEMPOTENCY_TTL_MS } from '../../../schema/limits.ts';
import type { JobRecord } from '../../../schema/records.ts';
import type { Answer, Idempotency, SubmitAnswer, SubmitJob } from '../commands.ts';
import { stopExecution } from '../dispatch.ts';
import { isLive } from '../execution.ts';
import type { Turn } from '../turn.ts';

/**
 * Stores a new job, or a new version of the job that has this namespace and name, whatever state it is in.
 * @see Bacalhau pkg/orchestrator/endpoint.go: a name in a namespace is one job; its type never changes
 */
export function submitJob(turn: Turn, command: SubmitJob): Answer<SubmitAnswer> {
  const { idempotency } = command;
  const earlier = idempotency === undefined ? null : turn.tokenTaken(command.namespace, idempotency.token);
  if (earlier !== null && idempotency !== undefined) return repeated(idempotency, earlier);
  const existing = turn.world.jobByName(command.namespace, command.name);
  if (existing !== null && existing.specHash === command.specHash && !command.force) return nothingChanged(existing);
  const job = existing === null ? create(turn, command) : update(turn, command, existing);
  const { totalTimeoutMs } = job.needs;
  if (totalTimeoutMs > 0) turn.world.timers.set('total', job.id, turn.now + totalTimeoutMs);
  turn.setEvaluation(job.id, command.evaluationId);
  turn.markDirty(job.id);
  const value: SubmitAnswer = { jobId: job.id, evaluationId: command.evaluationId, version: job.version };
  if (idempotency === undefined) remember(turn, command.commandId, job, value);
  else rememberToken(turn, command.commandId, { ...idempotency, namespace: job.namespace }, value);
  return { ok: true, value };
}

/** Keeps the answer for the same command sent again. */
export function remember(turn: Turn, commandId: string, job: JobRecord, value: unknown): void {
  const expiresAt = turn.now + COMMAND_TTL_MS;
  const noToken = { namespace: null, token: null, requestHash: null };
  turn.putCommand({ id: commandId, jobId: job.id, answer: JSON.stringify(value), expiresAt, ...noToken });
}

/** The same with a client's token: for longer, since it is people who send it again. */
function rememberToken(
  turn: Turn,
  commandId: string,
  use: Idempotency & { namespace: string },
  value: SubmitAnswer,
): void {
  turn.putCommand({
    id: commandId,
    jobId: value.jobId,
    answer: JSON.stringify(value),
    expiresAt: turn.now + IDEMPOTENCY_TTL_MS,
    ...use,
  });
}

/** What a token gets that was used before: the first answer for the same request, else a refusal. */
export function repeated(
  { token, requestHash }: Idempotency,
  earlier: { readonly requestHash: string | null; readonly answer: string },
): Answer<SubmitAnswer> {
  if (earlier.requestHash === requestHash) return { ok: true, value: JSON.parse(earlier.answer) as SubmitAnswer };
  const message = `idempotency token ${JSON.stringify(token)} was used for another request`;
  const hint = 'Send the same request again, or take a new token.';
  return { ok: false, error: { status: 409, code: 'ResourceInUse', component: 'APIServer', message, hint } };
}

function create(turn: Turn, command: SubmitJob): JobRecord {
  const job = turn.createJob(
    {
      ...specified(command),
      id: command.jobId,
      cell: turn.world.cell,
      namespace: command.namespace,
      name: command.name,
      type: command.type,
      state: 'Pending',
      stateMessage: '',
      version: 1,
      revision: 1,
      eventSeq: 0,
      versionAt: turn.now,
      waitingSince: null,
    },
    command.spec,
  );
  turn.event(job.id, { topic: 'Submission', message: 'Job submitted' });
  return job;
}

function update(turn: Turn, command: SubmitJob, existing: JobRecord): JobRecord {
  for (const kind of ['queue', 'retry', 'total'] as const) turn.world.timers.clear(kind, existing.id);
  turn.world.queue.remove(existing.id);
  const job = turn.supersede(
    existing,
    {
      ...existing,
      ...specified(command),
      state: 'Pending',
      stateMessage: 'Job update requested by user',
      version: existing.version + 1,
      revision: existing.revision + 1,
      versionAt: turn.now,
      waitingSince: null,
    },
    command.spec,
  );
  turn.event(job.id, { topic: 'Submission', message: 'Job updated' });
  // The old executions are over as far as the job is concerned once this turn is committed, so the new version starts
  // in the same turn; they stay charged to their nodes until the agents say that they have ended.
  for (const execution of turn.world.executionsOf(job.id)) {
    if (isLive(execution)) stopExecution(turn, execution, 'Execution stopped for job update');
  }
  return job;
}

function specified(command: SubmitJob): Pick<JobRecord, 'priority' | 'count' | 'needs' | 'specHash'> {
  return { priority: command.priority, count: command.count, needs: command.needs, specHash: command.specHash };
}

function nothingChanged(job: JobRecord): Answer<SubmitAnswer> {
  return {
    ok: false,
    error: {
      status: 409,
      code: '',
      component: 'Bacalhau',
      message: `no changes detected for new job spec. Job Name: '${job.name}', Job Id: '${job.id}'`,
      hint: 'Use the --force flag to override this warning',
    },
  };
}
