import type { Closed } from '../../../worker-agent/src/link/backoff.ts';
import type { SocketEvents, SocketPort } from '../../../worker-agent/src/link/session.ts';
import type { Base } from './base.ts';
import type { ObjectHost } from './object-host.ts';

const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** The object's end of a link, with what the platform keeps for it. */
export interface ServerSocket {
  readyState: number;
  attachment: unknown;
  /** When a heartbeat of it was last answered; 0 before. */
  answeredAt: number;
  send(frame: string): void;
  close(code: number, reason: string): void;
  /** The connection breaks. */
  cut(): void;
}

/** One connection between an agent and the object. Each direction keeps its order, unless the weather mixes it up. */
export class Link implements ServerSocket {
  readyState = OPEN;
  attachment: unknown = undefined;
  answeredAt = 0;
  readonly name: string;
  readonly #base: Base;
  readonly #host: ObjectHost;
  readonly #events: SocketEvents;
  readonly #isAgentAlive: () => boolean;
  /** Nothing passes any more, and neither end is told. */
  #isSilent = false;
  #agentOpen = true;
  readonly #lastAt = { toAgent: 0, toServer: 0 };

  constructor(
    base: Base,
    host: ObjectHost,
    { name, events, isAgentAlive }: { name: string; events: SocketEvents; isAgentAlive: () => boolean },
  ) {
    this.#base = base;
    this.#host = host;
    this.#events = events;
    this.#isAgentAlive = isAgentAlive;
    this.name = name;
  }

  get isOpen(): boolean {
    return this.#agentOpen && this.readyState === OPEN && !this.#isSilent;
  }

  /** The connection stands: the object gets its end, the agent is told. */
  open(): void {
    this.#host.accept(this);
    this.#events.open();
  }

  /** From here on nothing passes, and nobody is told. */
  silence(): void {
    this.#isSilent = true;
  }

  /** The connection breaks: each end hears of it after a while. */
  cut(): void {
    this.#agentEnds({ kind: 'closed', code: 1006, reason: '' });
    this.#serverEnds(1006, '');
  }

  /** The agent's process is gone; the system may close its connection for it. */
  agentDied(saysSo: boolean): void {
    this.#agentOpen = false;
    if (saysSo) this.#serverEnds(1006, '');
    else this.#isSilent = true;
  }

  send(frame: string): void {
    this.#carry('toAgent', frame, () => {
      if (this.#agentOpen && this.#isAgentAlive()) this.#events.frame(frame);
    });
  }

  close(code: number, reason: string): void {
    if (this.readyState !== OPEN) return;
    this.readyState = CLOSING;
    this.#agentEnds({ kind: 'closed', code, reason });
    this.#serverEnds(this.#isSilent ? 1006 : code, reason);
  }

  /** The agent's own end, as its session uses it. */
  readonly agentEnd: SocketPort = {
    send: (frame) => {
      if (!this.#agentOpen) return;
      if (frame.startsWith('{"type":"report"')) this.#base.reportedAt = this.#base.timeline.now;
      this.#carry('toServer', frame, () => {
        if (this.readyState === OPEN) this.#host.deliver(this, frame);
      });
    },
    close: (code, reason) => {
      this.#agentOpen = false;
      this.#serverEnds(code, reason);
    },
    terminate: () => {
      this.#agentOpen = false;
      this.#serverEnds(1006, '');
    },
  };

  #carry(way: 'toAgent' | 'toServer', frame: string, arrive: () => void): void {
    const { rng, weather, timeline } = this.#base;
    if (this.#isSilent) return;
    if (rng.chance(weather.frameLost)) return this.#base.fault('frame lost', `${this.name} ${way} ${kindOf(frame)}`);
    let delay = rng.int(1, 8);
    if (rng.chance(weather.frameDelayed)) {
      this.#base.fault('frame delayed', `${this.name} ${way} ${kindOf(frame)}`);
      delay += rng.int(500, 10_000);
    }
    let at = Math.max(this.#lastAt[way], timeline.now + delay);
    if (rng.chance(weather.frameReordered)) {
      this.#base.fault('frame reordered', `${this.name} ${way} ${kindOf(frame)}`);
      at = timeline.now + rng.int(1, 1_500);
    } else this.#lastAt[way] = at;
    const deliver = () => {
      if (this.#isSilent) return;
      if (frame.length > 10) this.#base.trace.line(`${this.name} ${way} ${describe(frame)}`);
      arrive();
    };
    timeline.at(at, deliver);
    if (!rng.chance(weather.frameDoubled)) return;
    this.#base.fault('frame doubled', `${this.name} ${way} ${kindOf(frame)}`);
    timeline.at(at + rng.int(0, 2_000), deliver);
  }

  #agentEnds(end: Closed): void {
    const { timeline, rng } = this.#base;
    if (this.#isSilent) return;
    timeline.at(Math.max(this.#lastAt.toAgent, timeline.now + rng.int(1, 8)), () => {
      if (!this.#agentOpen || !this.#isAgentAlive() || this.#isSilent) return;
      this.#agentOpen = false;
      this.#events.closed(end);
    });
  }

  #serverEnds(code: number, reason: string): void {
    const { timeline, rng } = this.#base;
    // Of a silent connection the object hears late, when the system gives up on it.
    const ms = this.#isSilent ? rng.int(20_000, 200_000) : rng.int(1, 8);
    timeline.at(Math.max(this.#isSilent ? 0 : this.#lastAt.toServer, timeline.now + ms), () => {
      if (this.readyState === CLOSED) return;
      this.readyState = CLOSED;
      this.#host.closed(this, code, reason);
    });
  }
}

function kindOf(frame: string): string {
  if (!frame.startsWith('{')) return frame;
  return /"type":"(\w+)"/.exec(frame)?.[1] ?? 'frame';
}

function describe(frame: string): string {
  const read = JSON.parse(frame) as { type: string; executionId?: string; state?: string; epoch?: number };
  return [read.type, read.executionId?.slice(0, 10), read.state, read.epoch]
    .filter((part) => part !== undefined)
    .join(' ');
}
