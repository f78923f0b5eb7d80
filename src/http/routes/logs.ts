import type { Hono } from 'hono';
import { ShoalError } from '../../../schema/errors.ts';
import { MAX_UNPAGED_ROWS } from '../../../schema/limits.ts';
import type { ComputeState } from '../../../schema/states.ts';
import type { ExecutionView } from '../../store/reads/executions.ts';
import { jobRef } from '../auth/principal.ts';
import type { Ctx, Deps, HttpEnv, LogsPort } from '../deps.ts';
import { shownState } from '../execution-state.ts';
import { Query } from '../query.ts';

/** They never ran, or what they did does not count: their log is had by their id alone. */
const discarded: ReadonlySet<ComputeState> = new Set(['AskForBidRejected', 'BidRejected', 'Failed', 'Cancelled']);

interface Wanted {
  readonly executionId: string;
  readonly follow: boolean;
  readonly tail: boolean;
}

/** The log of one execution of a job, over a WebSocket. Whatever is wrong is told inside it, as Bacalhau does. */
export function addLogRoutes(app: Hono<HttpEnv>, deps: Deps): void {
  const { logs } = deps;
  if (logs === undefined) return;
  app.get('/api/v1/orchestrator/jobs/:id/logs', async (c) => {
    if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') return c.text('Bad Request\n', 400);
    try {
      return await openStream(await choose(c, deps, c.req.param('id')), logs);
    } catch (error) {
      return logs.refuse(textOf(error));
    }
  });
}

function openStream({ executionId, follow, tail }: Wanted, logs: LogsPort): Promise<Response> {
  const params = new URLSearchParams({ execution: executionId, follow: String(follow), tail: String(tail) });
  const request = new Request(`https://log/viewer?${params.toString()}`, { headers: { Upgrade: 'websocket' } });
  return logs.stream(executionId, request);
}

/** @throws ShoalError with Bacalhau's words */
async function choose(c: Ctx, deps: Deps, text: string): Promise<Wanted> {
  const query = new Query(c);
  const namespace = query.text('namespace');
  const wanted = query.text('execution_id');
  const version = query.uint('job_version');
  query.bool('all_job_versions');
  const [follow, tail] = [query.bool('follow'), query.bool('tail')];
  const { job, executions } = await deps.reads.getJob(jobRef(c, namespace, text), {
    version: 0,
    history: null,
    executions: {
      version: version === 0 || wanted !== '' ? 'all' : version,
      namespace: null,
      orderBy: 'modified_at',
      reverse: true,
      limit: MAX_UNPAGED_ROWS,
    },
  });
  const failed = (why: string): Error => new Error(`failed to open log stream for job ${job.id}: ${why}`);
  if (executions.length === 0) {
    throw failed(`no executions found for job ${job.name} with ID ${job.id}, and version ${version}`);
  }
  const chosen = await find(executions, wanted, { jobId: job.id, logs: deps.logs });
  if (chosen !== null) return { executionId: chosen, follow, tail };
  throw failed(`unable to find execution ${wanted} in job ${job.id} and job version ${version || job.version}`);
}

/** The execution that was asked for, else the one that changed last among those that count. */
async function find(
  executions: readonly ExecutionView[],
  wanted: string,
  { jobId, logs }: { jobId: string; logs: LogsPort | undefined },
): Promise<string | null> {
  if (wanted === '') return executions.find((one) => !discarded.has(shownState(one).state))?.id ?? null;
  const owner = await logs?.findOwner(wanted);
  return owner?.jobId === jobId ? owner.executionId : null;
}

/** Parameter errors are wrapped by the framework that Bacalhau uses. */
function textOf(error: unknown): string {
  if (!(error instanceof ShoalError)) return error instanceof Error ? error.message : String(error);
  const { status, message } = error.shape;
  return status === 400 ? `code=400, message=${message}` : message;
}
