import { DEFAULT_CELL, ExecutionId } from '../../schema/ids.ts';
import type { Env } from '../env.ts';
import { findLogOwner } from '../store/reads/log-owner.ts';
import { chooseExecution } from './choose.ts';
import { errorFrame } from './frames.ts';
import { LogParts } from './parts.ts';
import type { LogsPort } from './port.ts';
import { openReaderSocket } from './reader-socket.ts';
import { viewerQuery, type Asked, type ReadAs } from './viewer-query.ts';

const DONE = 1000;
const UPGRADE = { headers: { Upgrade: 'websocket' } };

/** What the API needs of logs, from the Worker's bindings. */
export function makeLogsPort(env: Env): LogsPort {
  return {
    findOwner: (executionId) => findLogOwner(env.DB, executionId),
    async checkToken(executionId, token) {
      const id = ExecutionId.safeParse(executionId);
      return id.success && env.SCHEDULER.getByName(DEFAULT_CELL).checkToken(id.data, token);
    },
    connect: (executionId) => env.LOGS.getByName(executionId).fetch('https://log/agent', UPGRADE),
    read: (asked, as) => read(env, asked, as),
    choose: (executions) => chooseExecution(executions, (id) => new LogParts(env.BLOBS, id).haveOutput()),
    refuse,
    reserve: (executionId, bytes) => env.LOGS.getByName(executionId).reserve(executionId, bytes),
    putPart: (executionId, part, chunks) => new LogParts(env.BLOBS, executionId).put(part, chunks),
  };
}

async function read(env: Env, asked: Asked, by: ReadAs): Promise<Response> {
  const query = viewerQuery(asked);
  if (by.token !== null) query.set('token', by.token);
  // Who waits for an execution waits in an object of the job's own: that of an execution is where its agent dials in.
  const name = asked.executionId ?? `waits/${asked.jobId}`;
  if (by.as === 'socket') return openReaderSocket(env, name, query.toString());
  if (by.stream !== null) query.set('stream', by.stream);
  if (by.range !== null) query.set('range', by.range);
  const { body, status, headers } = await env.LOGS.getByName(name).fetch(`https://log/text?${query.toString()}`);
  return new Response(body, { status, headers: new Headers(headers) });
}

function refuse(text: string): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.send(errorFrame(text));
  server.close(DONE);
  return new Response(null, { status: 101, webSocket: client });
}
