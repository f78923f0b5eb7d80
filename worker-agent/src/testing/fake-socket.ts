import { PING, PONG } from '@shoal/schema/protocol/version';
import type { Closed } from '../link/backoff.ts';
import type { Dial, SocketEvents, SocketPort } from '../link/session.ts';

/** One connection as a test plays its other end. */
export class FakeSocket implements SocketPort {
  readonly events: SocketEvents;
  readonly sent: string[] = [];
  state: 'open' | 'closing' | 'terminated' = 'open';

  readonly #answersPings: boolean;

  constructor(events: SocketEvents, answersPings: boolean) {
    this.events = events;
    this.#answersPings = answersPings;
  }

  send(text: string): void {
    this.sent.push(text);
    if (text === PING && this.#answersPings) this.events.frame(PONG);
  }

  close(): void {
    this.state = 'closing';
  }

  terminate(): void {
    this.state = 'terminated';
  }

  /** All that was sent but heartbeats, in order. */
  get frames(): { readonly type: string; readonly [key: string]: unknown }[] {
    return this.sent
      .filter((text) => text.startsWith('{'))
      .map((text) => JSON.parse(text) as { type: string; [key: string]: unknown });
  }

  receive(frame: object): void {
    this.events.frame(JSON.stringify(frame));
  }

  welcome(more: object = {}): void {
    this.receive({
      type: 'welcome',
      epoch: 1,
      session: 's-1',
      protocol: 1,
      mode: 'active',
      heartbeatMs: 15_000,
      ...more,
    });
  }

  end(end: Closed): void {
    this.events.closed(end);
  }
}

/** A network whose connections are made and broken by hand; `last` is the newest. */
export class FakeNetwork {
  readonly sockets: FakeSocket[] = [];
  /** Whether the other end answers heartbeats by itself, as the runtime does for a Scheduler that sleeps. */
  answersPings = true;
  readonly dial: Dial = (events) => {
    const socket = new FakeSocket(events, this.answersPings);
    this.sockets.push(socket);
    return socket;
  };

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('nobody dialled');
    return socket;
  }
}
