import { COMMAND_TTL_MS, IDEMPOTENCY_TTL_MS } from '../../../schema/limits.ts';
import type { JobRecord } from '../../../schema/records.ts';
import type { Answer, Idempotency, Specified, SubmitAnswer, SubmitJob } from '../commands.ts';
import { stopForUpdate } from '../dispatch.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import { isLive } from '../execution.ts';
import { concluded } from '../kinds/batch.ts';
import { clearJob } from '../job-state.ts';
import { whyUnplaceable } from '../placement/unplaceable.ts';
import type { Turn } from '../turn.ts';

/**
 * Stores a new job, or a new version of the job that has this namespace and name, whatever state it is in. One that asks
 * for what was asked for before runs again once it has ended; while it is active it is refused.
 * @see Bacalhau pkg/orchestrator/endpoint.go: a name in a namespace is one job; its type never changes
 */
export function submitJob(turn: Turn, command: SubmitJob): Answer<SubmitAnswer> {
  const { idempotency } = command;
  const earlier = idempotency === undefined ? null : turn.tokenTaken(command.namespace, idempotency.token);
  if (earlier !== null && idempotency !== undefined) return repeated(idempotency, earlier);
  if (turn.env.isFull) return databaseFull();
  const existing = turn.world.jobByName(command.namespace, command.name);
  if (existing !== null && existing.type !== command.type) return otherType(existing, command);
  const isSame = existing !== null && existing.specHash === command.specHash && !command.force;
  if (isSame && !isTerminalJobState(concluded(turn, existing).state)) return nothingChanged(existing);
  if (existing === null && turn.world.job(command.jobId) !== null) return idTaken(command.jobId);
  const job = existing === null ? create(turn, command) : update(turn, command, existing);
  turn.setEvaluation(job.id, command.evaluationId);
  // Many at once that no node can take must not hold the turn up: history tells it of those that come after.
  const unplaceable = turn.work.left === 0 ? null : whyUnplaceable(turn, job);
  const warnings = [...(isSame ? [runsAgain(existing, job)] : []), ...(unplaceable?.lines ?? [])];
  const value: SubmitAnswer = {
    jobId: job.id,
    evaluationId: command.evaluationId,
    version: job.version,
    ...(warnings.length > 0 && { warnings }),
  };
  if (idempotency === undefined) remember(turn, command.commandId, job.id, value);
  else rememberToken(turn, command.commandId, { ...idempotency, namespace: job.namespace }, value);
  return { ok: true, value };
}

/** Keeps the answer for the same command sent again. @param subject  the job or node that it was about */
export function remember(turn: Turn, commandId: string, subject: string, value: unknown): void {
  const expiresAt = turn.now + COMMAND_TTL_MS;
  const noToken = { namespace: null, token: null, requestHash: null };
  turn.putCommand({ id: commandId, subject, answer: JSON.stringify(value), expiresAt, ...noToken });
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
    subject: value.jobId,
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
      ...decisive(command),
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
      told: null,
    },
    command,
  );
  turn.event(job.id, { topic: 'Submission', message: 'Job submitted' });
  const { totalTimeoutMs } = job.needs;
  if (totalTimeoutMs > 0) turn.world.timers.set('total', job.id, turn.now + totalTimeoutMs);
  turn.markDirty(job.id);
  return job;
}

function update(turn: Turn, command: SubmitJob, existing: JobRecord): JobRecord {
  const job = beginVersion(turn, existing, command, 'Job update requested by user');
  turn.event(job.id, { topic: 'Submission', message: 'Job updated' });
  return job;
}

/**
 * Begins a new version of a job, in whatever state it is. Its clocks start anew; the old executions are over as far as
 * the job is concerned once this turn is committed, so the new version starts in the same turn. They stay charged to
 * their nodes until the agents say that they have ended.
 */
export function beginVersion(turn: Turn, existing: JobRecord, asked: Specified, why: string): JobRecord {
  clearJob(turn, existing.id);
  const next = {
    ...existing,
    ...decisive(asked),
    state: 'Pending' as const,
    stateMessage: why,
    version: existing.version + 1,
    revision: existing.revision + 1,
    versionAt: turn.now,
    waitingSince: null,
    told: null,
  };
  const job = turn.supersede(existing, next, asked);
  const { totalTimeoutMs } = job.needs;
  if (totalTimeoutMs > 0) turn.world.timers.set('total', job.id, turn.now + totalTimeoutMs);
  turn.markDirty(job.id);
  // A service rolls instead: one partition at a time.
  if (job.type === 'service') return job;
  for (const execution of turn.world.executionsOf(job.id)) {
    if (isLive(execution)) stopForUpdate(turn, execution, job);
  }
  return job;
}

/** What the Scheduler decides by, and so holds in memory. */
function decisive({
  priority,
  count,
  needs,
  specHash,
}: Specified): Pick<JobRecord, 'priority' | 'count' | 'needs' | 'specHash'> {
  return { priority, count, needs, specHash };
}

/** Nothing new is taken in; reports, stops and clean-up go on. */
export function databaseFull(): Answer<SubmitAnswer> {
  return {
    ok: false,
    error: {
      status: 507,
      code: 'InsufficientStorage',
      component: 'Scheduler',
      message: 'the database is nearly full: it holds over 90 % of D1_MAX_BYTES',
      hint: 'Shorten RETENTION_DAYS, or raise D1_MAX_BYTES if the database may grow.',
    },
  };
}

/** Only services and daemons may bring an id of their own. */
function idTaken(id: string): Answer<SubmitAnswer> {
  return {
    ok: false,
    error: { status: 409, code: 'ResourceInUse', component: 'JobStore', message: `job already exists: ${id}` },
  };
}

function runsAgain(ended: JobRecord, job: JobRecord): string {
  return `the same job has ended as ${ended.state} before; it runs again as version ${job.version}`;
}

function otherType(job: JobRecord, { type }: SubmitJob): Answer<SubmitAnswer> {
  const message = `Type: the job '${job.name}' is of type ${job.type} and cannot become ${type}`;
  const hint = 'Submit it under another name.';
  return { ok: false, error: { status: 400, code: 'BadRequest', component: 'Bacalhau', message, hint } };
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
