import type { EpochMs } from '../../schema/ids.ts';
import { decodeFrame } from '../../schema/protocol/frames.ts';
import { fromAgent, type Hello } from '../../schema/protocol/from-agent.ts';
import type { Held } from '../../schema/protocol/common.ts';
import { closeCodes, MIN_PROTOCOL_VERSION } from '../../schema/protocol/version.ts';
import type { CoreEvent, Reply } from '../core/decide.ts';
import type { Session } from '../core/world.ts';
import { readAttachment } from './attachment.ts';
import type { ObjectSocket, ShellPorts } from './runtime.ts';
import type { Sockets } from './sockets.ts';

interface Pending {
  readonly hello: Hello;
  readonly holds: Held[];
}

/** Reads what agents send: tells a greeting from the frames of a greeted session, and refuses what is neither. */
export class Reception {
  readonly #sockets: Sockets;
  readonly #ports: Pick<ShellPorts, 'now' | 'newId' | 'log'>;
  readonly #take: (event: CoreEvent, bytes: number) => Promise<Reply>;
  /** When sockets that have not been greeted were accepted. */
  readonly #acceptedAt = new Map<ObjectSocket, EpochMs>();
  /** Hellos whose list is not complete yet; lost with the object, and then the agent dials again. */
  readonly #pending = new Map<ObjectSocket, Pending>();
  /** Greeted sockets whose attachment is written once their greeting is committed. */
  readonly #greeted = new Map<ObjectSocket, Session>();

  readonly #ownId: () => Promise<string>;

  /** @param ownId how the orchestrator names itself: no agent may take this id */
  constructor(
    sockets: Sockets,
    ports: Pick<ShellPorts, 'now' | 'newId' | 'log'>,
    take: (event: CoreEvent, bytes: number) => Promise<Reply>,
    ownId: () => Promise<string>,
  ) {
    this.#sockets = sockets;
    this.#ports = ports;
    this.#take = take;
    this.#ownId = ownId;
  }

  /** Notes when a connection was made; what it says may come long after. */
  accepted(socket: ObjectSocket): void {
    this.#acceptedAt.set(socket, this.#ports.now());
  }

  async takeFrame(socket: ObjectSocket, data: string | ArrayBuffer): Promise<void> {
    const decoded = decodeFrame(fromAgent, data);
    if (!decoded.ok) {
      if (decoded.ignore) this.#ports.log('frame.ignored', { type: decoded.type }, 'warn');
      else this.#refuse(socket, decoded.code, decoded.why);
      return;
    }
    const { frame } = decoded;
    const bytes = typeof data === 'string' ? data.length : 0;
    if (frame.type === 'hello') return this.#takeHello(socket, frame, bytes);
    if (frame.type === 'holds') return this.#takeHolds(socket, frame, bytes);
    const sender = this.#sender(socket);
    if (sender === null) return this.#refuse(socket, closeCodes.protocolError, `${frame.type} before hello`);
    this.#sockets.markHeard(sender.id, this.#ports.now());
    await this.#take({ type: 'frame', session: sender, frame }, bytes);
  }

  async takeClose(socket: ObjectSocket, why: string): Promise<void> {
    this.#pending.delete(socket);
    this.#acceptedAt.delete(socket);
    const sender = this.#sender(socket);
    this.#greeted.delete(socket);
    if (sender === null) return;
    this.#sockets.remove(sender.id);
    await this.#take({ type: 'disconnect', session: sender.id, nodeId: sender.nodeId, why }, 0);
  }

  async #takeHello(socket: ObjectSocket, hello: Hello, bytes: number): Promise<void> {
    if (hello.protocol < MIN_PROTOCOL_VERSION) {
      const why = `protocol ${hello.protocol} is not served any more, update the agent`;
      return this.#refuse(socket, closeCodes.unsupportedVersion, why);
    }
    // An agent greets once on a socket: a second hello is an old one, and what it lists is no longer so.
    if (this.#sender(socket) !== null) return this.#ports.log('frame.ignored', { type: 'hello' }, 'warn');
    this.#pending.set(socket, { hello, holds: [...hello.holds] });
    if (!hello.more) await this.#greet(socket, bytes);
  }

  async #takeHolds(socket: ObjectSocket, frame: { holds: Held[]; more: boolean }, bytes: number): Promise<void> {
    const pending = this.#pending.get(socket);
    if (pending === undefined) return this.#refuse(socket, closeCodes.protocolError, 'holds before hello');
    pending.holds.push(...frame.holds);
    if (!frame.more) await this.#greet(socket, bytes);
  }

  async #greet(socket: ObjectSocket, bytes: number): Promise<void> {
    try {
      const own = await this.#ownId();
      // The socket may have closed meanwhile.
      const pending = this.#pending.get(socket);
      if (pending === undefined) return;
      this.#pending.delete(socket);
      if (pending.hello.nodeId !== own) return await this.#welcome(socket, pending, bytes);
      this.#refuse(socket, closeCodes.protocolError, `the node id ${own} is the orchestrator's own`);
    } catch (error) {
      // The agent would wait for its welcome.
      this.#pending.delete(socket);
      this.#refuse(socket, closeCodes.protocolError, 'say hello again');
      throw error;
    }
  }

  async #welcome(socket: ObjectSocket, { hello, holds }: Pending, bytes: number): Promise<void> {
    const id = this.#ports.newId();
    const now = this.#ports.now();
    const acceptedAt = this.#acceptedAt.get(socket) ?? now;
    this.#acceptedAt.delete(socket);
    this.#greeted.set(socket, {
      id,
      nodeId: hello.nodeId,
      agentInstance: hello.agentInstance,
      connectedAt: acceptedAt,
    });
    this.#sockets.add(id, socket, now);
    await this.#take({ type: 'greeting', greeting: { session: id, acceptedAt, hello, holds } }, bytes);
  }

  #sender(socket: ObjectSocket): Session | null {
    const attachment = readAttachment(socket);
    if (attachment === null) return this.#greeted.get(socket) ?? null;
    const { session, node, agentInstance, connectedAt } = attachment;
    return { id: session, nodeId: node, agentInstance, connectedAt };
  }

  #refuse(socket: ObjectSocket, code: number, why: string): void {
    this.#ports.log('socket.refused', { code, why }, 'warn');
    try {
      // A close reason holds at most 123 bytes.
      socket.close(code, why.slice(0, 100));
    } catch {
      // Already closed.
    }
  }
}
