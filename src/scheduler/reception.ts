import { decodeFrame } from '../../schema/protocol/frames.ts';
import { fromAgent, type FromAgent } from '../../schema/protocol/from-agent.ts';
import { closeCodes, closeReason, MIN_PROTOCOL_VERSION } from '../../schema/protocol/version.ts';
import { ShoalError } from '../../schema/errors.ts';
import type { CoreEvent, Reply } from '../core/decide.ts';
import type { Session } from '../core/world.ts';
import { readAttachment } from './attachment.ts';
import { Paces } from './pace.ts';
import { SOCKET_OPEN, type ObjectSocket, type ShellPorts } from './runtime.ts';
import type { Sockets } from './sockets.ts';
import { Strangers, type Introduced, type Refusal } from './strangers.ts';
import { Tally } from './tally.ts';

type Ports = Pick<ShellPorts, 'now' | 'newId' | 'within' | 'log'>;

/**
 * Reads what agents send: tells a greeting from the frames of a greeted session, and refuses what is neither, or too
 * much. Whoever has the node token may send anything, so nothing here costs more than a bounded share.
 */
export class Reception {
  readonly #sockets: Sockets;
  readonly #ports: Ports;
  readonly #take: (event: CoreEvent, bytes: number) => Promise<Reply>;
  readonly #ownId: () => Promise<string>;
  readonly #strangers: Strangers;
  /** Greeted sockets whose attachment is written once their greeting is committed. */
  readonly #greeted = new Map<ObjectSocket, Session>();
  readonly #paces: Paces;
  readonly #traffic: Tally<'frames' | 'chars' | 'ignored' | 'refused'>;

  /** @param ownId how the orchestrator names itself: no agent may take this id */
  constructor(
    sockets: Sockets,
    ports: Ports,
    take: (event: CoreEvent, bytes: number) => Promise<Reply>,
    ownId: () => Promise<string>,
  ) {
    this.#sockets = sockets;
    this.#ports = ports;
    this.#take = take;
    this.#ownId = ownId;
    this.#paces = new Paces(ports.now());
    this.#strangers = new Strangers(ports, (socket, refusal) => this.#refuse(socket, refusal));
    this.#traffic = new Tally('object.traffic', ports);
  }

  /** False while as many connections as there may be have not said hello. Ask once for each that is to be accepted. */
  mayAccept(): boolean {
    return this.#strangers.makeRoom();
  }

  accepted(socket: ObjectSocket): void {
    this.#strangers.add(socket);
  }

  async takeFrame(socket: ObjectSocket, data: string | ArrayBuffer): Promise<void> {
    // What is still on its way on a connection that was closed comes again on the next one.
    if (socket.readyState !== SOCKET_OPEN) return;
    const chars = typeof data === 'string' ? data.length : data.byteLength;
    this.#traffic.add({ frames: 1, chars });
    const now = this.#ports.now();
    const sender = this.#sender(socket);
    const tooMuch =
      sender === null ? this.#paces.whyNotYet(socket, chars, now) : this.#paces.whyNot(sender.nodeId, chars, now);
    if (tooMuch !== null) return this.#expel(socket, tooMuch);
    const decoded = decodeFrame(fromAgent, data);
    if (!decoded.ok) {
      if (decoded.ignore) this.#traffic.add({ ignored: 1 });
      else this.#refuse(socket, decoded);
      return;
    }
    const { frame } = decoded;
    if (sender === null || frame.type === 'hello' || frame.type === 'holds') {
      return this.#hearStranger(socket, frame, { sender, chars });
    }
    const tooOften = frame.type === 'capacity' ? this.#paces.whyNoCapacity(sender.nodeId, now) : null;
    if (tooOften !== null) return this.#expel(socket, tooOften);
    this.#sockets.markHeard(sender.id, now);
    await this.#take({ type: 'frame', session: sender, frame }, chars);
  }

  async takeClose(socket: ObjectSocket, why: string): Promise<void> {
    this.#strangers.remove(socket);
    const sender = this.#sender(socket);
    this.#greeted.delete(socket);
    if (sender === null) return;
    this.#sockets.remove(sender.id);
    await this.#take({ type: 'disconnect', session: sender.id, nodeId: sender.nodeId, why }, 0);
  }

  async #hearStranger(
    socket: ObjectSocket,
    frame: FromAgent,
    { sender, chars }: { sender: Session | null; chars: number },
  ): Promise<void> {
    if (frame.type !== 'hello' && frame.type !== 'holds') {
      return this.#refuse(socket, { code: closeCodes.protocolError, why: `${frame.type} before hello` });
    }
    // An agent greets once on a socket: a second hello is an old one, and what it lists is no longer so.
    if (sender !== null) return this.#traffic.add({ ignored: 1 });
    if (frame.type === 'hello' && frame.protocol < MIN_PROTOCOL_VERSION) {
      const why = `protocol ${frame.protocol} is not served any more, update the agent`;
      return this.#refuse(socket, { code: closeCodes.unsupportedVersion, why });
    }
    const refusal =
      frame.type === 'hello'
        ? this.#strangers.greet(socket, frame, chars)
        : this.#strangers.goOn(socket, frame.holds, chars);
    if (refusal !== null) return this.#refuse(socket, refusal);
    if (!frame.more) await this.#greet(socket);
  }

  async #greet(socket: ObjectSocket): Promise<void> {
    try {
      const own = await this.#ownId();
      // The socket may have closed meanwhile.
      const introduced = this.#strangers.take(socket);
      if (introduced === null) return;
      if (introduced.hello.nodeId !== own) return await this.#welcome(socket, introduced);
      this.#refuse(socket, { code: closeCodes.protocolError, why: `the node id ${own} is the orchestrator's own` });
    } catch (error) {
      // The agent would wait for its welcome.
      const isBusy = error instanceof ShoalError && error.shape.status === 503;
      const code = isBusy ? closeCodes.tryAgainLater : closeCodes.protocolError;
      this.#refuse(socket, { code, why: 'say hello again' });
      throw error;
    }
  }

  async #welcome(socket: ObjectSocket, { acceptedAt, hello, holds, size }: Introduced): Promise<void> {
    const id = this.#ports.newId();
    const { nodeId, agentInstance } = hello;
    this.#greeted.set(socket, { id, nodeId, agentInstance, connectedAt: acceptedAt });
    this.#sockets.add(id, socket, this.#ports.now());
    await this.#take({ type: 'greeting', greeting: { session: id, acceptedAt, hello, holds } }, size);
  }

  #sender(socket: ObjectSocket): Session | null {
    const attachment = readAttachment(socket);
    if (attachment === null) return this.#greeted.get(socket) ?? null;
    const { session, node, agentInstance, connectedAt } = attachment;
    return { id: session, nodeId: node, agentInstance, connectedAt };
  }

  /** Closes a connection that says too much, and ends its session at once: its other end may never answer. */
  async #expel(socket: ObjectSocket, why: string): Promise<void> {
    this.#refuse(socket, { code: closeCodes.policyViolation, why });
    await this.takeClose(socket, `connection closed (${closeCodes.policyViolation}: ${why})`);
  }

  #refuse(socket: ObjectSocket, { code, why }: Refusal): void {
    this.#strangers.remove(socket);
    this.#traffic.add({ refused: 1 });
    this.#ports.log('socket.refused', { code, why }, 'warn');
    try {
      socket.close(code, closeReason(why));
    } catch {
      // Already closed.
    }
  }
}
