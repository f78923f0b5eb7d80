import type { Access, Ctx } from './deps.ts';

/** Credentials that are remembered; those that were let in longest ago are forgotten first. */
const MAX_KNOWN = 10_000;

/**
 * Who calls, as far as it can be told before any credential is checked. Deployed, Cloudflare names the address. Embedded,
 * workerd names none and any header could be made up: there a caller is known by a credential that was let in before,
 * and all others are one.
 */
export class Callers {
  readonly #addressHeader: string | null;
  readonly #known = new Set<string>();

  constructor({ addressHeader }: Access) {
    this.#addressHeader = addressHeader;
  }

  /** Null where addresses are not known. */
  addressOf(c: Ctx): string | null {
    return this.#addressHeader === null ? null : (c.req.header(this.#addressHeader) ?? '');
  }

  /** What the requests of one caller are counted under. */
  keyOf(c: Ctx): string {
    const credential = c.req.header('Authorization') ?? '';
    return this.addressOf(c) ?? (this.#known.has(credential) ? credential : '');
  }

  /** Looks at how a request was answered. */
  note(c: Ctx): void {
    const credential = c.req.header('Authorization') ?? '';
    if (this.#addressHeader !== null || credential === '') return;
    // Where nobody is asked for a credential an answer says nothing of it.
    if (c.res.status === 401) this.#known.delete(credential);
    else if (c.res.status < 400 && c.get('reached').needs !== 'nobody') this.#remember(credential);
  }

  #remember(credential: string): void {
    this.#known.delete(credential);
    this.#known.add(credential);
    const oldest = this.#known.size > MAX_KNOWN ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}
