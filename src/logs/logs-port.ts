import { DEFAULT_CELL, ExecutionId } from '../../schema/ids.ts';
import type { Env } from '../env.ts';
import type { LogsPort } from '../http/deps.ts';
import { findLogOwner } from '../store/reads/log-owner.ts';
import { errorFrame } from './frames.ts';
import { LogParts } from './parts.ts';

const DONE = 1000;

/** What the API needs of logs, from the Worker's bindings. */
export function makeLogsPort(env: Env): LogsPort {
  return {
    findOwner: (executionId) => findLogOwner(env.DB, executionId),
    async checkToken(executionId, token) {
      const id = ExecutionId.safeParse(executionId);
      return id.success && env.SCHEDULER.getByName(DEFAULT_CELL).checkToken(id.data, token);
    },
    stream: (executionId, request) => env.LOGS.getByName(executionId).fetch(request),
    refuse,
    putPart: (executionId, part, chunks) => new LogParts(env.BLOBS, executionId).put(part, chunks),
  };
}

function refuse(text: string): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.send(errorFrame(text));
  server.close(DONE);
  return new Response(null, { status: 101, webSocket: client });
}
