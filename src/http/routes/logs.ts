import { badRequest, ShoalError } from '../../../schema/errors.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import { mayNotRun, neverRan } from '../../logs/choose.ts';
import type { LogsPort } from '../../logs/port.ts';
import type { Asked, ReadAs } from '../../logs/viewer-query.ts';
import { jobRef, maySee, operator } from '../auth/principal.ts';
import type { Ctx, Deps } from '../deps.ts';
import { newestExecutions } from '../../store/reads/executions.ts';
import { ignored, namespace } from './parameters.ts';
import { plainRoute, type Parameter, type Route } from './route.ts';

const UNAVAILABLE = 503;

const STREAMS = ['stdout', 'stderr'] as const;

const common = {
  method: 'get',
  needs: 'read:job',
  tag: 'Jobs',
  answer: {
    mediaType: 'text/plain',
    description:
      'What the task printed, as it comes. Of a log that is stored as a whole a `Range` of bytes is answered with 206. A log ' +
      'that breaks off ends in a line that says why, and in a broken transfer.',
  },
  errors: {
    400: 'A parameter cannot be read.',
    404: 'There is no such job or execution in a namespace that the caller may see, or it has no log.',
    416: 'The log has no such range of bytes.',
    503: 'The log cannot be had at present.',
  },
} as const;

const reading = {
  follow: {
    type: 'flag',
    description: 'Goes on until the log ends, and waits for a job that has not run yet.',
  },
  tail: { type: 'flag', description: 'Leaves out what was printed before.' },
  stream: { type: 'text', description: 'Of text: one of its streams.', values: STREAMS },
} as const satisfies Readonly<Record<string, Parameter>>;

/** How a log is asked for, whichever it is of. */
interface Reading {
  readonly follow: boolean;
  readonly tail: boolean;
  readonly stream: string;
}

export const logRoutes: readonly Route[] = [
  plainRoute({
    ...common,
    id: 'readJobLog',
    path: '/api/v1/orchestrator/jobs/{id}/logs',
    summary: 'Read the log of a job’s newest execution that has one; as a WebSocket with an upgrade, else as text',
    query: {
      namespace,
      execution_id: { type: 'text', description: 'An execution of the job, by its whole id.' },
      job_version: { type: 'uint', description: 'A version; 0 means all.' },
      all_job_versions: ignored('flag'),
      ...reading,
    },
    errors: { ...common.errors, 409: 'The beginning of an id fits several jobs.' },
    example: { path: { id: 'hello' }, query: { stream: 'stdout' } },
    handle: ({ c, deps, part, query }) => serve(c, deps, query, (asked) => chooseOfJob(c, deps, part('id'), asked)),
  }),
  plainRoute({
    ...common,
    id: 'readExecutionLog',
    path: '/api/v1/orchestrator/executions/{id}/logs',
    summary: 'Read the log of an execution; as a WebSocket with an upgrade, else as text',
    query: reading,
    example: { path: { id: 'e-77aa0a0e-5a5b-4a57-9a7e-1a6f5a1c9b3d' } },
    handle: ({ c, deps, part, query }) =>
      serve(c, deps, query, (asked) => chooseOfExecution(c, deps, part('id'), asked)),
  }),
];

/**
 * The log of one execution: over a WebSocket, where whatever is wrong is told inside it as Bacalhau does, or as plain text
 * to whom asks for no upgrade.
 */
async function serve<Q extends Reading>(
  c: Ctx,
  { logs }: Deps,
  query: () => Q,
  choose: (query: Q) => Promise<Asked>,
): Promise<Response> {
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
    const asked = query();
    return asText(c, logs, { asked: await choose(asked), stream: readStream(asked.stream) });
  }
  try {
    return await logs.read(await choose(query()), { as: 'socket', token: tokenOf(c) });
  } catch (error) {
    return logs.refuse(textOf(error));
  }
}

/** The token that opens the log, and with which it ends; null where none is asked for, or the installation's first is shown. */
function tokenOf(c: Ctx): string | null {
  const principal = c.get('principal');
  return principal === operator ? null : principal.id;
}

type Stream = (typeof STREAMS)[number] | null;

async function asText(
  c: Ctx,
  logs: LogsPort,
  { asked, stream }: { readonly asked: Asked; readonly stream: Stream },
): Promise<Response> {
  const range = c.req.header('Range') ?? null;
  const by: ReadAs = { as: 'text', token: tokenOf(c), stream, range };
  const answer = await logs.read(asked, by);
  if (answer.status !== UNAVAILABLE) return answer;
  throw new ShoalError('ServiceUnavailable', await answer.text(), { component: 'APIServer', retryAfterSeconds: 1 });
}

/** @throws ShoalError 400 */
function readStream(text: string): Stream {
  if (text === '') return null;
  const stream = STREAMS.find((name) => name === text);
  if (stream !== undefined) return stream;
  throw badRequest(`query parameter stream: ${JSON.stringify(text)}: give stdout or stderr, or leave it out for both`);
}

/** @throws ShoalError 404, when there is none that the caller may see */
async function chooseOfExecution(c: Ctx, { logs }: Deps, id: string, { follow, tail }: Reading): Promise<Asked> {
  const found = await logs.findOwner(id);
  if (found === null || !maySee(c, found.namespace)) {
    throw new ShoalError('NotFound', `execution not found: ${id}`, { component: 'JobStore' });
  }
  return { executionId: found.executionId, jobId: found.jobId, version: 0, follow, tail };
}

interface ReadingOfJob extends Reading {
  readonly namespace: string;
  readonly execution_id: string;
  readonly job_version: number;
}

/** @throws ShoalError 404 with Bacalhau's words */
async function chooseOfJob(c: Ctx, deps: Deps, text: string, query: ReadingOfJob): Promise<Asked> {
  const { execution_id: wanted, job_version: version, follow, tail } = query;
  const { job, executions } = await deps.reads.getJob(jobRef(c, query.namespace, text), {
    version: 0,
    history: null,
    executions: newestExecutions(wanted === '' ? version : 0),
  });
  const failed = (why: string): ShoalError =>
    new ShoalError('NotFound', `failed to open log stream for job ${job.id}: ${why}`, { component: 'JobStore' });
  const asked = { jobId: job.id, version, follow, tail };
  if (wanted === '') {
    const executionId = await deps.logs.choose(executions);
    // An older version never runs again.
    const isCurrent = version === 0 || version === job.version;
    const isOver = isTerminalJobState(job.state);
    const isAwaited = follow && isCurrent && !isOver;
    if (isAwaited && (executionId === null || mayNotRun(executions, executionId)))
      return { ...asked, executionId: null };
    if (executionId !== null) return { ...asked, executionId };
    if (isOver && isCurrent) throw failed(neverRan(job));
    if (executions.length > 0)
      throw failed(`none of its executions in version ${version || job.version} has a log yet`);
  }
  if (executions.length === 0) {
    throw failed(`no executions found for job ${job.name} with ID ${job.id}, and version ${version}`);
  }
  const found = wanted === '' ? null : await deps.logs.findOwner(wanted);
  if (found?.jobId === job.id) return { ...asked, executionId: found.executionId };
  throw failed(`unable to find execution ${wanted} in job ${job.id} and job version ${version || job.version}`);
}

/** Parameter errors are wrapped by the framework that Bacalhau uses. */
function textOf(error: unknown): string {
  if (!(error instanceof ShoalError)) return error instanceof Error ? error.message : String(error);
  const { status, message } = error.shape;
  return status === 400 ? `code=400, message=${message}` : message;
}
