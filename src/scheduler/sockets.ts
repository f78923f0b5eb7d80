import type { EpochMs } from '../../schema/ids.ts';
import { closeCodes, closeReason } from '../../schema/protocol/version.ts';
import type { SurvivingSession } from '../core/events/start.ts';
import { readAttachment, writeAttachment } from './attachment.ts';
import { SOCKET_OPEN, type ObjectContext, type ObjectSocket } from './runtime.ts';

/** The agents' sockets by session. Everything here can be rebuilt from the sockets themselves. */
export class Sockets {
  readonly #ctx: ObjectContext;
  readonly #bySession = new Map<string, ObjectSocket>();
  /** When a frame of the session last arrived, as far as this object lived to see it. */
  readonly #heard = new Map<string, EpochMs>();

  constructor(ctx: ObjectContext) {
    this.#ctx = ctx;
    for (const socket of ctx.getWebSockets()) {
      const attachment = readAttachment(socket);
      if (attachment !== null) this.#bySession.set(attachment.session, socket);
      // Its hello was lost with the object before this one; heartbeats alone would keep it waiting for ever.
      else socket.close(closeCodes.protocolError, 'say hello again');
    }
  }

  /** Remembers a socket under the session that its hello asked for. */
  add(session: string, socket: ObjectSocket, now: EpochMs): void {
    this.#bySession.set(session, socket);
    this.#heard.set(session, now);
  }

  remove(session: string): void {
    this.#bySession.delete(session);
    this.#heard.delete(session);
  }

  markHeard(session: string, now: EpochMs): void {
    this.#heard.set(session, now);
  }

  /** The later of the last frame, the last heartbeat and the time of connecting; 0 for a session without a socket. */
  lastHeard(session: string): EpochMs {
    const socket = this.#bySession.get(session);
    if (socket === undefined) return 0;
    return Math.max(this.#heard.get(session) ?? 0, lastHeartbeat(this.#ctx, socket));
  }

  send(session: string, frame: string): void {
    const socket = this.#bySession.get(session);
    try {
      socket?.send(frame);
    } catch {
      // The socket is closing; the agent's next hello brings up what it missed.
    }
  }

  close(session: string, code: number, reason: string): void {
    const socket = this.#bySession.get(session);
    try {
      socket?.close(code, closeReason(reason));
    } catch {
      // Already closed.
    }
  }

  attach({ session, nodeId, agentInstance, connectedAt }: SurvivingSession, holdsWork: boolean): void {
    const socket = this.#bySession.get(session);
    if (socket !== undefined) {
      writeAttachment(socket, { v: 1, session, node: nodeId, agentInstance, connectedAt, holdsWork });
    }
  }

  survivors(): readonly SurvivingSession[] {
    const sessions: SurvivingSession[] = [];
    for (const socket of this.#ctx.getWebSockets()) {
      const attachment = readAttachment(socket);
      // Sockets that are closing are still listed.
      if (attachment === null || socket.readyState !== SOCKET_OPEN) continue;
      const { session, node, agentInstance, connectedAt } = attachment;
      sessions.push({ session, nodeId: node, agentInstance, connectedAt });
    }
    return sessions;
  }
}

/** When the runtime last answered a heartbeat of the socket, or when it connected. */
export function lastHeartbeat(ctx: ObjectContext, socket: ObjectSocket): EpochMs {
  const answered = ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
  return Math.max(answered, readAttachment(socket)?.connectedAt ?? 0);
}
