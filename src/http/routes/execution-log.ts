import type { Hono } from 'hono';
import { badRequest, ShoalError } from '../../../schema/errors.ts';
import type { ExecutionId } from '../../../schema/ids.ts';
import { MAX_LOG_CHUNK_BYTES, MAX_LOG_PART_BYTES, TOKEN_AFTER_END_MS } from '../../../schema/limits.ts';
import { executionLogPath } from '../../../schema/protocol/log-link.ts';
import { isTerminalComputeState } from '../../../schema/states.ts';
import type { Ctx, Deps, HttpEnv, LogsPort } from '../deps.ts';
import { Query } from '../query.ts';

const BEARER = 'Bearer ';
/** A part ends with a whole chunk, and its first one may be longer than was asked for. */
const MAX_BYTES = MAX_LOG_PART_BYTES + MAX_LOG_CHUNK_BYTES;

/** The agents' half of a log: they dial in for its readers, and store its parts. The execution's own token proves both. */
export function addExecutionLogRoutes(app: Hono<HttpEnv>, deps: Deps): void {
  const { logs } = deps;
  if (logs === undefined) return;
  const path = executionLogPath(':id');
  app.get(path, async (c) => {
    if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') throw badRequest('expected a WebSocket upgrade', 400);
    const executionId = await proved(c, { id: c.req.param('id') ?? '', logs, now: deps.now() });
    return logs.stream(executionId, new Request('https://log/agent', { headers: { Upgrade: 'websocket' } }));
  });
  app.put(path, async (c) => {
    const executionId = await proved(c, { id: c.req.param('id') ?? '', logs, now: deps.now() });
    const query = new Query(c);
    const part = { from: query.uint('from'), next: query.uint('next'), end: query.bool('end') };
    if (part.next < part.from) throw badRequest('a part cannot end before it begins', 400);
    const chunks = await c.req.arrayBuffer();
    if (chunks.byteLength > MAX_BYTES) throw badRequest(`a part holds at most ${MAX_BYTES} bytes`, 413);
    await logs.putPart(executionId, part, chunks);
    return c.body(null, 204);
  });
}

/** @throws ShoalError 401 for a token of another execution, 410 when the execution ended too long ago */
async function proved(c: Ctx, { id, logs, now }: { id: string; logs: LogsPort; now: number }): Promise<ExecutionId> {
  const header = c.req.header('Authorization') ?? '';
  const token = header.startsWith(BEARER) ? header.slice(BEARER.length) : '';
  const owner = (await logs.checkToken(id, token)) ? await logs.findOwner(id) : null;
  if (owner === null) {
    throw new ShoalError('Unauthorized', 'this token is not of this execution', { component: 'Authorizer' });
  }
  const endedAt = owner.modifiedAt / 1000;
  if (isTerminalComputeState(owner.computeState) && endedAt + TOKEN_AFTER_END_MS < now) {
    throw new ShoalError('Gone', 'the execution has ended, and with it its token', { component: 'Authorizer' });
  }
  return owner.executionId;
}
