import { badRequest, ShoalError } from '../../../schema/errors.ts';
import type { ExecutionId } from '../../../schema/ids.ts';
import {
  MAX_LOG_CHUNK_BYTES,
  MAX_LOG_OFFSET,
  MAX_LOG_PARTS,
  MAX_LOG_PART_BYTES,
  MAX_STORED_LOG_BYTES,
  TOKEN_AFTER_END_MS,
} from '../../../schema/limits.ts';
import { executionLogPath, isChunks } from '../../../schema/protocol/log-link.ts';
import { isTerminalComputeState } from '../../../schema/states.ts';
import type { Part } from '../../logs/part.ts';
import type { LogsPort } from '../../logs/port.ts';
import type { Ctx, Deps } from '../deps.ts';
import { hiddenRoute, type Route } from './route.ts';

const BEARER = 'Bearer ';
/** A part ends with a whole chunk, and its first one may be longer than was asked for. */
const MAX_BYTES = MAX_LOG_PART_BYTES + MAX_LOG_CHUNK_BYTES;

const path = executionLogPath('{id}');

/** The agents' half of a log: they dial in for its readers, and store its parts. The execution's own token proves both. */
export const executionLogRoutes: readonly Route[] = [
  hiddenRoute({
    id: 'dialInForLog',
    method: 'get',
    path,
    needs: 'execution',
    handle: async ({ c, deps, part }) => {
      if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') throw badRequest('expected a WebSocket upgrade', 400);
      return deps.logs.connect(await proved(c, deps, part('id')));
    },
  }),
  hiddenRoute({
    id: 'putLogPart',
    method: 'put',
    path,
    needs: 'execution',
    query: {
      from: { type: 'uint', description: 'The offset at which the part begins.' },
      next: { type: 'uint', description: 'The offset behind it.' },
      end: { type: 'flag', description: 'The log ends with it.' },
    },
    handle: async ({ c, deps, part, query }) => {
      const { logs } = deps;
      const executionId = await proved(c, deps, part('id'));
      const asked = checked(query());
      const bytes = announced(c);
      await reserve(logs, executionId, bytes);
      const chunks = await c.req.arrayBuffer();
      if (chunks.byteLength !== bytes) {
        throw badRequest(`Content-Length: the body has ${chunks.byteLength} bytes, not ${bytes}`, 400);
      }
      if (!isChunks(new Uint8Array(chunks))) {
        throw badRequest(`a part holds whole chunks of at most ${MAX_LOG_CHUNK_BYTES} bytes`, 400);
      }
      await logs.putPart(executionId, asked, chunks);
      return c.body(null, 204);
    },
  }),
];

/** @throws ShoalError 400 */
function checked(part: Part): Part {
  if (part.next < part.from) {
    throw badRequest(`query parameter next: ${part.next} is less than from, ${part.from}`, 400);
  }
  if (part.next >= MAX_LOG_OFFSET) {
    throw badRequest(`query parameter next: ${part.next} is not less than ${MAX_LOG_OFFSET}`, 400);
  }
  return part;
}

/**
 * How long the body is, told before it is read.
 * @throws ShoalError 411 without a length, 413 beyond a part's
 */
function announced(c: Ctx): number {
  const text = c.req.header('Content-Length') ?? '';
  if (!/^\d{1,15}$/.test(text)) throw badRequest('Content-Length: a part needs it, in bytes', 411);
  const bytes = Number(text);
  if (bytes > MAX_BYTES) throw badRequest(`Content-Length: ${bytes}; a part holds at most ${MAX_BYTES} bytes`, 413);
  return bytes;
}

/** @throws ShoalError 413 when the execution's log has no room for it */
async function reserve(logs: LogsPort, executionId: ExecutionId, bytes: number): Promise<void> {
  const answer = await logs.reserve(executionId, bytes);
  if (answer === 'room') return;
  const most = answer === 'bytes' ? `${MAX_STORED_LOG_BYTES} bytes` : `${MAX_LOG_PARTS} parts`;
  throw badRequest(`the log of ${executionId} is full: at most ${most} are stored`, 413);
}

/** @throws ShoalError 401 for a token of another execution, 410 when the execution ended too long ago */
async function proved(c: Ctx, { logs, now }: Deps, id: string): Promise<ExecutionId> {
  const header = c.req.header('Authorization') ?? '';
  const token = header.startsWith(BEARER) ? header.slice(BEARER.length) : '';
  const owner = (await logs.checkToken(id, token)) ? await logs.findOwner(id) : null;
  if (owner === null) {
    throw new ShoalError('Unauthorized', 'this token is not of this execution', { component: 'Authorizer' });
  }
  const endedAt = owner.modifiedAt / 1000;
  if (isTerminalComputeState(owner.computeState) && endedAt + TOKEN_AFTER_END_MS < now()) {
    throw new ShoalError('Gone', 'the execution has ended, and with it its token', { component: 'Authorizer' });
  }
  return owner.executionId;
}
