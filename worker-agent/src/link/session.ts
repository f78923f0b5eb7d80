import type { Held } from '@shoal/schema/protocol/common';
import type { Capacity, FromAgent, Hello } from '@shoal/schema/protocol/from-agent';
import { decodeFrame } from '@shoal/schema/protocol/frames';
import {
  toAgent,
  type AckReport,
  type Keep,
  type OpenLog,
  type Run,
  type Stop,
  type ToAgent,
  type Welcome,
} from '@shoal/schema/protocol/to-agent';
import { PING, PONG, PROTOCOL_VERSION } from '@shoal/schema/protocol/version';
import { MAX_HOLDS_PER_FRAME } from '@shoal/schema/limits';
import { describeEnd, isBanished, redialDelayMs, type Closed } from './backoff.ts';
import type { Cancel, Clock, Log, Random } from '../ports.ts';

/** One connection. Nothing here throws; a socket that is gone swallows what is sent. */
export interface SocketPort {
  send(text: string): void;
  /** Starts an orderly close. */
  close(code: number, reason: string): void;
  /** Drops the connection without waiting for the other end. */
  terminate(): void;
}

/** What a connection tells; `closed` comes exactly once and last, also when it never opened. */
export interface SocketEvents {
  open(): void;
  frame(data: unknown): void;
  closed(end: Closed): void;
}

/**
 * Begins to connect and returns before the first event. The events are attached before anything can arrive: a later
 * listener loses the first frames.
 */
export type Dial = (events: SocketEvents) => SocketPort;

export interface SessionPorts {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Who the node is and what it offers: a `hello` without its list. */
export type Greeting = Omit<Hello, 'type' | 'protocol' | 'holds' | 'more'>;
export type Order = Run | Stop | Keep | AckReport | OpenLog;

/** The agent behind the session. Called only in the order things happened, never before the welcome. */
export interface SessionDelegate {
  greeting(): Greeting;
  holds(): readonly Held[];
  welcomed(mode: Welcome['mode']): void;
  order(frame: Order): void;
  disconnected(): void;
  /** The node was rejected or deleted: nothing may run here. */
  banished(reason: string): void;
}

interface Link {
  readonly socket: SocketPort;
  welcome: { epoch: number; readonly session: string; readonly heartbeatMs: number } | null;
  heardAt: number;
  cancelTimer: Cancel;
}

/** From dialling to the welcome; a Scheduler that cannot answer in this time is asked again on a new connection. */
const WELCOME_MS = 20_000;
const MISSED_HEARTBEATS = 3;

/**
 * The agent's end of the link: dials, says hello, waits for the welcome, keeps the heartbeat and redials for ever. Holds no
 * task state. All waiting goes through the ports, so it runs the same under a simulated clock and network.
 */
export class Session {
  readonly #ports: SessionPorts;
  readonly #delegate: SessionDelegate;
  #link: Link | null = null;
  #cancelRedial: Cancel | null = null;
  #attempt = 0;
  #stopped = false;

  constructor(ports: SessionPorts, delegate: SessionDelegate) {
    this.#ports = ports;
    this.#delegate = delegate;
  }

  start(): void {
    this.#dial();
  }

  /** True between the welcome and the end of the connection. */
  get active(): boolean {
    return this.#link !== null && this.#link.welcome !== null;
  }

  /** Sends one frame; false when there is no welcomed connection, and then the frame is gone. */
  send(frame: Exclude<FromAgent, Hello>): boolean {
    if (this.#link === null || this.#link.welcome === null) return false;
    this.#link.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Says what the node offers, when that has changed; a later `hello` says it anyway. */
  sendCapacity(): void {
    const { labels, engines, publishers, sources, capacity, offers } = this.#delegate.greeting();
    const frame: Capacity = { type: 'capacity', labels, engines, publishers, sources, capacity, offers };
    this.send(frame);
  }

  /** Says goodbye and never dials again. */
  stop(reason: string): void {
    this.#stopped = true;
    this.#cancelRedial?.();
    const link = this.#link;
    if (link === null) return;
    this.send({ type: 'bye', reason });
    this.#drop(link);
    link.socket.close(1000, reason);
  }

  #dial(): void {
    this.#cancelRedial = null;
    let link: Link | null = null;
    // Events of a connection that was given up belong to nobody.
    const mine = (): Link | null => (link !== null && this.#link === link ? link : null);
    const socket = this.#ports.dial({
      open: () => this.#opened(mine()),
      frame: (data) => this.#received(mine(), data),
      closed: (end) => this.#closed(mine(), end),
    });
    link = { socket, welcome: null, heardAt: this.#ports.clock.monotonic(), cancelTimer: () => {} };
    this.#link = link;
    link.cancelTimer = this.#ports.clock.after(WELCOME_MS, () => this.#giveUp(link, 'no welcome came in time'));
  }

  #opened(link: Link | null): void {
    if (link === null) return;
    const holds = this.#delegate.holds();
    const greeting = this.#delegate.greeting();
    const pages = Math.max(1, Math.ceil(holds.length / MAX_HOLDS_PER_FRAME));
    for (let page = 0; page < pages; page += 1) {
      const part = holds.slice(page * MAX_HOLDS_PER_FRAME, (page + 1) * MAX_HOLDS_PER_FRAME);
      const more = page + 1 < pages;
      const frame: FromAgent =
        page === 0
          ? { type: 'hello', protocol: PROTOCOL_VERSION, ...greeting, holds: part, more }
          : { type: 'holds', holds: part, more };
      link.socket.send(JSON.stringify(frame));
    }
  }

  #received(link: Link | null, data: unknown): void {
    if (link === null) return;
    link.heardAt = this.#ports.clock.monotonic();
    if (data === PONG) return;
    const read = decodeFrame(toAgent, data);
    if (read.ok) return this.#take(link, read.frame);
    // Closing would only meet the same frame again; what matters is asked for again by deadlines at the other end.
    if (read.ignore) this.#ports.log.warn('frame.unknown', { type: read.type });
    else this.#ports.log.warn('frame.invalid', { error: read.why });
  }

  #take(link: Link, frame: ToAgent): void {
    if (frame.type === 'welcome') return this.#welcomed(link, frame);
    const { welcome } = link;
    if (welcome === null || frame.session !== welcome.session || frame.epoch < welcome.epoch) {
      this.#ports.log.warn('frame.stale', { type: frame.type, epoch: frame.epoch });
      return;
    }
    // A Scheduler that restarted keeps the session and goes on under a higher epoch.
    welcome.epoch = frame.epoch;
    this.#delegate.order(frame);
  }

  #welcomed(link: Link, frame: Welcome): void {
    if (link.welcome !== null && frame.epoch < link.welcome.epoch) return;
    const { epoch, session, heartbeatMs } = frame;
    // A Scheduler that starts welcomes everybody anew; were the heartbeat put off each time, it might never come.
    const beats = link.welcome?.heartbeatMs === heartbeatMs;
    link.welcome = { epoch, session, heartbeatMs };
    this.#attempt = 0;
    if (!beats) {
      link.cancelTimer();
      this.#armHeartbeat(link, heartbeatMs);
    }
    this.#ports.log.info('session.welcomed', { session, epoch, mode: frame.mode });
    this.#delegate.welcomed(frame.mode);
  }

  #armHeartbeat(link: Link, heartbeatMs: number): void {
    link.cancelTimer = this.#ports.clock.after(heartbeatMs, () => {
      const silentMs = this.#ports.clock.monotonic() - link.heardAt;
      if (silentMs >= MISSED_HEARTBEATS * heartbeatMs) return this.#giveUp(link, 'no answer to the heartbeat');
      link.socket.send(PING);
      this.#armHeartbeat(link, heartbeatMs);
    });
  }

  #giveUp(link: Link | null, error: string): void {
    if (link === null || this.#link !== link) return;
    link.socket.terminate();
    this.#closed(link, { kind: 'unreachable', error });
  }

  #closed(link: Link | null, end: Closed): void {
    if (link === null) return;
    const wasActive = link.welcome !== null;
    this.#drop(link);
    const delayMs = redialDelayMs(end, this.#attempt, this.#ports.random);
    this.#attempt += 1;
    const quiet = end.kind === 'closed' && (end.code === 1000 || end.code === 1001);
    this.#ports.log[quiet ? 'info' : 'warn']('session.ended', {
      error: describeEnd(end),
      ...(end.kind === 'closed' && { code: end.code }),
      ...(end.kind === 'refused' && { status: end.status }),
      redialMs: Math.round(delayMs),
    });
    if (wasActive) this.#delegate.disconnected();
    if (isBanished(end)) this.#delegate.banished(describeEnd(end));
    if (!this.#stopped) this.#cancelRedial = this.#ports.clock.after(delayMs, () => this.#dial());
  }

  #drop(link: Link): void {
    link.cancelTimer();
    this.#link = null;
  }
}
