import { decodeFrame } from '../../schema/protocol/frames.ts';
import { fromAgent, type Hello } from '../../schema/protocol/from-agent.ts';
import type { Held } from '../../schema/protocol/common.ts';
import { closeCodes, MIN_PROTOCOL_VERSION } from '../../schema/protocol/version.ts';
import type { CoreEvent, Reply } from '../core/decide.ts';
import type { Session } from '../core/world.ts';
import { log } from '../log.ts';
import { readAttachment } from './attachment.ts';
import type { Sockets } from './sockets.ts';

interface Pending {
  readonly hello: Hello;
  readonly holds: Held[];
}

/** Reads what agents send: tells a greeting from the frames of a greeted session, and refuses what is neither. */
export class Reception {
  readonly #sockets: Sockets;
  readonly #take: (event: CoreEvent, bytes: number) => Promise<Reply>;
  /** Hellos whose list is not complete yet; lost with the object, and then the agent dials again. */
  readonly #pending = new Map<WebSocket, Pending>();
  /** Greeted sockets whose attachment is written once their greeting is committed. */
  readonly #greeted = new Map<WebSocket, Session>();

  readonly #ownId: () => Promise<string>;

  /** @param ownId how the orchestrator names itself: no agent may take this id */
  constructor(
    sockets: Sockets,
    take: (event: CoreEvent, bytes: number) => Promise<Reply>,
    ownId: () => Promise<string>,
  ) {
    this.#sockets = sockets;
    this.#take = take;
    this.#ownId = ownId;
  }

  async takeFrame(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const decoded = decodeFrame(fromAgent, data);
    if (!decoded.ok) {
      if (decoded.ignore) log('frame.ignored', { type: decoded.type }, 'warn');
      else refuse(socket, decoded.code, decoded.why);
      return;
    }
    const { frame } = decoded;
    const bytes = typeof data === 'string' ? data.length : 0;
    if (frame.type === 'hello') return this.#takeHello(socket, frame, bytes);
    if (frame.type === 'holds') return this.#takeHolds(socket, frame, bytes);
    const sender = this.#sender(socket);
    if (sender === null) return refuse(socket, closeCodes.protocolError, `${frame.type} before hello`);
    this.#sockets.markHeard(sender.id, Date.now());
    await this.#take({ type: 'frame', session: sender, frame }, bytes);
  }

  async takeClose(socket: WebSocket, why: string): Promise<void> {
    this.#pending.delete(socket);
    const sender = this.#sender(socket);
    this.#greeted.delete(socket);
    if (sender === null) return;
    this.#sockets.remove(sender.id);
    await this.#take({ type: 'disconnect', session: sender.id, nodeId: sender.nodeId, why }, 0);
  }

  async #takeHello(socket: WebSocket, hello: Hello, bytes: number): Promise<void> {
    if (hello.protocol < MIN_PROTOCOL_VERSION) {
      const why = `protocol ${hello.protocol} is not served any more, update the agent`;
      return refuse(socket, closeCodes.unsupportedVersion, why);
    }
    this.#pending.set(socket, { hello, holds: [...hello.holds] });
    if (!hello.more) await this.#greet(socket, bytes);
  }

  async #takeHolds(socket: WebSocket, frame: { holds: Held[]; more: boolean }, bytes: number): Promise<void> {
    const pending = this.#pending.get(socket);
    if (pending === undefined) return refuse(socket, closeCodes.protocolError, 'holds before hello');
    pending.holds.push(...frame.holds);
    if (!frame.more) await this.#greet(socket, bytes);
  }

  async #greet(socket: WebSocket, bytes: number): Promise<void> {
    const own = await this.#ownId();
    // The socket may have closed meanwhile.
    const pending = this.#pending.get(socket);
    if (pending === undefined) return;
    this.#pending.delete(socket);
    const { hello, holds } = pending;
    if (hello.nodeId === own) {
      return refuse(socket, closeCodes.protocolError, `the node id ${own} is the orchestrator's own`);
    }
    const id = crypto.randomUUID();
    const connectedAt = Date.now();
    this.#greeted.set(socket, { id, nodeId: hello.nodeId, agentInstance: hello.agentInstance, connectedAt });
    this.#sockets.add(id, socket, connectedAt);
    await this.#take({ type: 'greeting', greeting: { session: id, hello, holds } }, bytes);
  }

  #sender(socket: WebSocket): Session | null {
    const attachment = readAttachment(socket);
    if (attachment === null) return this.#greeted.get(socket) ?? null;
    const { session, node, agentInstance, connectedAt } = attachment;
    return { id: session, nodeId: node, agentInstance, connectedAt };
  }
}

function refuse(socket: WebSocket, code: number, why: string): void {
  log('socket.refused', { code, why }, 'warn');
  try {
    // A close reason holds at most 123 bytes.
    socket.close(code, why.slice(0, 100));
  } catch {
    // Already closed.
  }
}
