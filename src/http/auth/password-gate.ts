import { backoffMs } from '../../../schema/backoff.ts';
import { ShoalError } from '../../../schema/errors.ts';
import type { Deps } from '../deps.ts';

/** A check takes tens of milliseconds of the one thread; at this pace it leaves most of it to everybody else. */
const PACE_MS = 500;
/** Who would wait longer than this is sent away. */
const MAX_WAIT_MS = 2_000;
/** No check takes longer. A request that was dropped in the middle of its own does not keep its client out for good. */
const MAX_CHECK_MS = 1_000;
const POLL_MS = 100;
const MAX_POLLS = (MAX_WAIT_MS + MAX_CHECK_MS) / POLL_MS;
/** Wrong passwords in a row that cost a client nothing; the pause after each further one doubles. */
const FREE_FAILURES = 5;
const PAUSES = { firstMs: 1_000, mostMs: 60_000 };
/** Clients that are remembered; those that were quiet longest are forgotten first, and all after FORGET_MS. */
const MAX_CLIENTS = 10_000;
const FORGET_MS = 10 * 60_000;

interface Client {
  failures: number;
  at: number;
  retryAt: number;
  busyUntil: number;
  /** What it has checked just now. */
  busyWith: string;
}

/** One password check of one client. */
export interface PasswordCheck {
  /** Who asks: its address, or the user it claims to be where addresses are not known. */
  readonly client: string;
  /** Names that nobody has wait in a line of their own: made-up ones must not keep a user out. */
  readonly isUser: boolean;
  /** Equal for equal credentials; no password. */
  readonly credential: string;
  /** Whether the credential has been found right meanwhile. */
  readonly isKnown: () => boolean;
}

/**
 * The queue in front of password checks, for one isolate. A place in it is a time, which each request waits for by itself:
 * a request that is dropped holds up nobody.
 */
export class PasswordGate {
  readonly #deps: Pick<Deps, 'now' | 'sleep'>;
  readonly #clients = new Map<string, Client>();
  readonly #nextFree = { user: 0, stranger: 0 };

  constructor(deps: Pick<Deps, 'now' | 'sleep'>) {
    this.#deps = deps;
  }

  /**
   * Waits for the check's turn; one check of a client at a time, those with the same credential share its result.
   * @throws ShoalError 429 with Retry-After when the client failed too often, has another check going on, or the queue is full
   */
  async enter(check: PasswordCheck): Promise<void> {
    for (let polls = 0; polls < MAX_POLLS && this.#hasTwin(check); polls++) await this.#deps.sleep(POLL_MS);
    // No pause from here to where the turn is taken: others look at it.
    if (check.isKnown()) return;
    const now = this.#deps.now();
    const client = this.#clientOf(check.client, now);
    const refusedUntil = Math.max(client.retryAt, client.busyUntil);
    if (refusedUntil > now) throw tooMany(refusedUntil - now);
    const line = check.isUser ? 'user' : 'stranger';
    const start = Math.max(now, this.#nextFree[line]);
    if (start - now > MAX_WAIT_MS) throw tooMany(start - now - MAX_WAIT_MS);
    this.#nextFree[line] = start + PACE_MS;
    client.busyUntil = start + MAX_CHECK_MS;
    client.busyWith = check.credential;
    if (start > now) await this.#deps.sleep(start - now);
  }

  /** The check that `enter` let in is done. */
  leave({ client: name }: PasswordCheck, isRight: boolean): void {
    if (isRight) return void this.#clients.delete(name);
    const now = this.#deps.now();
    const client = this.#clientOf(name, now);
    client.busyUntil = 0;
    client.failures += 1;
    const over = client.failures - FREE_FAILURES;
    if (over >= 0) client.retryAt = now + backoffMs(PAUSES, over);
  }

  /** Whether the client has the same credential checked at this moment. */
  #hasTwin({ client: name, credential }: PasswordCheck): boolean {
    const client = this.#clients.get(name);
    return client !== undefined && client.busyWith === credential && client.busyUntil > this.#deps.now();
  }

  #clientOf(name: string, now: number): Client {
    const known = this.#clients.get(name);
    const client =
      known !== undefined && now - known.at < FORGET_MS
        ? known
        : { failures: 0, at: now, retryAt: 0, busyUntil: 0, busyWith: '' };
    client.at = now;
    this.#clients.delete(name);
    this.#clients.set(name, client);
    const oldest = this.#clients.size > MAX_CLIENTS ? this.#clients.keys().next().value : undefined;
    if (oldest !== undefined) this.#clients.delete(oldest);
    return client;
  }
}

function tooMany(waitMs: number): ShoalError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000));
  return new ShoalError('InternalError', 'too many password checks', {
    status: 429,
    component: 'Authorizer',
    hint: `Try again in ${retryAfterSeconds} s. A key of POST /api/v1/shoal/tokens needs no such check.`,
    retryAfterSeconds,
  });
}
