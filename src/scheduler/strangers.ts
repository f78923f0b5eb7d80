import type { EpochMs } from '../../schema/ids.ts';
import { HELLO_AT_ONCE_MS, HELLO_MS, MAX_HOLDS, MAX_HOLDS_PENDING, MAX_STRANGERS } from '../../schema/limits.ts';
import type { Held } from '../../schema/protocol/common.ts';
import type { Hello } from '../../schema/protocol/from-agent.ts';
import { closeCodes } from '../../schema/protocol/version.ts';
import type { ObjectSocket, ShellPorts } from './runtime.ts';

/** A connection before its greeting is complete. */
interface Stranger {
  readonly acceptedAt: EpochMs;
  readonly leave: () => void;
  /** What it has said so far; lost with the object, and then the agent dials again. */
  hello: Hello | null;
  holds: Held[];
  /** In characters. */
  size: number;
}

/** A complete greeting. */
export interface Introduced {
  readonly acceptedAt: EpochMs;
  readonly hello: Hello;
  readonly holds: readonly Held[];
  readonly size: number;
}

/** Why a connection is closed. */
export interface Refusal {
  readonly code: number;
  readonly why: string;
}

/**
 * Connections that have not said who they are, and what they have said so far: bounded in number, in what they list and
 * in the time they take. A timer runs only while there are some; an object that sleeps has none.
 */
export class Strangers {
  readonly #ports: Pick<ShellPorts, 'now' | 'within'>;
  readonly #expired: (socket: ObjectSocket, refusal: Refusal) => void;
  readonly #known = new Map<ObjectSocket, Stranger>();
  #held = 0;

  /** @param expired  called for a connection that has taken too long */
  constructor(ports: Pick<ShellPorts, 'now' | 'within'>, expired: (socket: ObjectSocket, refusal: Refusal) => void) {
    this.#ports = ports;
    this.#expired = expired;
  }

  /** True when another one may come. An honest agent says hello at once: whoever has not makes room when there is none. */
  makeRoom(): boolean {
    if (this.#known.size < MAX_STRANGERS) return true;
    const [oldest] = this.#known;
    if (oldest === undefined || oldest[1].acceptedAt > this.#ports.now() - HELLO_AT_ONCE_MS) return false;
    this.remove(oldest[0]);
    this.#expired(oldest[0], { code: closeCodes.tryAgainLater, why: 'others wait to say hello' });
    return true;
  }

  /** Notes when a connection was made; what it says may come long after. */
  add(socket: ObjectSocket): Stranger {
    const { promise: left, resolve } = Promise.withResolvers<true>();
    const leave = () => resolve(true);
    const stranger: Stranger = { acceptedAt: this.#ports.now(), leave, hello: null, holds: [], size: 0 };
    this.#known.set(socket, stranger);
    void this.#ports.within(left, HELLO_MS).then((hasLeft) => {
      if (hasLeft !== undefined || this.#known.get(socket) !== stranger) return;
      this.remove(socket);
      this.#expired(socket, { code: closeCodes.protocolError, why: `no hello within ${HELLO_MS / 1000} s` });
    });
    return stranger;
  }

  /** Begins a greeting, or begins it anew. Null when it may go on. */
  greet(socket: ObjectSocket, hello: Hello, size: number): Refusal | null {
    const stranger = this.#known.get(socket) ?? this.add(socket);
    this.#held -= stranger.holds.length;
    stranger.hello = hello;
    stranger.holds = [];
    stranger.size = 0;
    return this.#hold(stranger, hello.holds, size);
  }

  /** Goes on with the list of a greeting. Null when it may go on further. */
  goOn(socket: ObjectSocket, holds: readonly Held[], size: number): Refusal | null {
    const stranger = this.#known.get(socket);
    if (stranger === undefined || stranger.hello === null) {
      return { code: closeCodes.protocolError, why: 'holds before hello' };
    }
    return this.#hold(stranger, holds, size);
  }

  /** The greeting, now that it is complete; the connection is none of these any more. Null when it has gone. */
  take(socket: ObjectSocket): Introduced | null {
    const stranger = this.#known.get(socket);
    this.remove(socket);
    if (stranger === undefined || stranger.hello === null) return null;
    const { acceptedAt, hello, holds, size } = stranger;
    return { acceptedAt, hello, holds, size };
  }

  remove(socket: ObjectSocket): void {
    const stranger = this.#known.get(socket);
    if (stranger === undefined) return;
    this.#known.delete(socket);
    this.#held -= stranger.holds.length;
    stranger.leave();
  }

  #hold(stranger: Stranger, holds: readonly Held[], size: number): Refusal | null {
    if (stranger.holds.length + holds.length > MAX_HOLDS) {
      return { code: closeCodes.policyViolation, why: `a node holds at most ${MAX_HOLDS} executions` };
    }
    if (this.#held + holds.length > MAX_HOLDS_PENDING) {
      return { code: closeCodes.tryAgainLater, why: 'too many nodes are saying what they hold' };
    }
    // One by one: there may be more than a call has room for arguments.
    for (const held of holds) stranger.holds.push(held);
    this.#held += holds.length;
    stranger.size += size;
    return null;
  }
}
