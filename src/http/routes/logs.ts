import type { Hono } from 'hono';
import { badRequest, ShoalError } from '../../../schema/errors.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import { mayNotRun, neverRan } from '../../logs/choose.ts';
import type { LogsPort } from '../../logs/port.ts';
import type { Asked, ReadAs } from '../../logs/viewer-query.ts';
import { jobRef, maySee, operator } from '../auth/principal.ts';
import type { Ctx, Deps, HttpEnv } from '../deps.ts';
import { newestExecutions } from '../../store/reads/executions.ts';
import { Query } from '../query.ts';

const UNAVAILABLE = 503;

type Choose = (c: Ctx, deps: Deps & { readonly logs: LogsPort }, id: string) => Promise<Asked>;

/**
 * The log of one execution: over a WebSocket, where whatever is wrong is told inside it as Bacalhau does, or as plain text
 * to whom asks for no upgrade.
 */
export function addLogRoutes(app: Hono<HttpEnv>, { logs, ...rest }: Deps): void {
  if (logs === undefined) return;
  const deps = { ...rest, logs };
  const serve = (choose: Choose) => async (c: Ctx, id: string) => {
    if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') return asText(c, logs, await choose(c, deps, id));
    try {
      return await logs.read(await choose(c, deps, id), { as: 'socket', token: tokenOf(c) });
    } catch (error) {
      return logs.refuse(textOf(error));
    }
  };
  const [ofJob, ofExecution] = [serve(chooseOfJob), serve(chooseOfExecution)];
  app.get('/api/v1/orchestrator/jobs/:id/logs', (c) => ofJob(c, c.req.param('id')));
  app.get('/api/v1/orchestrator/executions/:id/logs', (c) => ofExecution(c, c.req.param('id')));
}

/** The token that opens the log, and with which it ends; null where none is asked for, or the installation's first is shown. */
function tokenOf(c: Ctx): string | null {
  const principal = c.get('principal');
  return principal === operator ? null : principal.id;
}

async function asText(c: Ctx, logs: LogsPort, asked: Asked): Promise<Response> {
  const range = c.req.header('Range') ?? null;
  const by: ReadAs = { as: 'text', token: tokenOf(c), stream: readStream(new Query(c)), range };
  const answer = await logs.read(asked, by);
  if (answer.status !== UNAVAILABLE) return answer;
  throw new ShoalError('ServiceUnavailable', await answer.text(), { component: 'APIServer', retryAfterSeconds: 1 });
}

/** @throws ShoalError 400 */
function readStream(query: Query): 'stdout' | 'stderr' | null {
  const text = query.text('stream');
  if (text === '') return null;
  if (text === 'stdout' || text === 'stderr') return text;
  throw badRequest(`query parameter stream: ${JSON.stringify(text)}: give stdout or stderr, or leave it out for both`);
}

/** @throws ShoalError 404, when there is none that the caller may see */
async function chooseOfExecution(c: Ctx, { logs }: { logs: LogsPort }, id: string): Promise<Asked> {
  const query = new Query(c);
  const [follow, tail] = [query.bool('follow'), query.bool('tail')];
  const found = await logs.findOwner(id);
  if (found === null || !maySee(c, found.namespace)) {
    throw new ShoalError('NotFound', `execution not found: ${id}`, { component: 'JobStore' });
  }
  return { executionId: found.executionId, jobId: found.jobId, version: 0, follow, tail };
}

/** @throws ShoalError 404 with Bacalhau's words */
async function chooseOfJob(c: Ctx, deps: Deps & { readonly logs: LogsPort }, text: string): Promise<Asked> {
  const query = new Query(c);
  const wanted = query.text('execution_id');
  const version = query.uint('job_version');
  query.bool('all_job_versions');
  const [follow, tail] = [query.bool('follow'), query.bool('tail')];
  const { job, executions } = await deps.reads.getJob(jobRef(c, query.text('namespace'), text), {
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
