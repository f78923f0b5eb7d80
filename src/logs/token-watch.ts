import type { EpochMs } from '../../schema/ids.ts';

/** How often an open log looks whether its readers may still read. */
const LOOK_MS = 2_000;

/** Until when each of these tokens is good, 0 for ever. One that is missing was revoked, or has expired. */
export type FindExpiries = (ids: readonly string[]) => Promise<ReadonlyMap<string, EpochMs>>;

interface Seen {
  readonly at: EpochMs;
  /** 0 means for ever, null that it was revoked. */
  readonly until: EpochMs | null;
}

/**
 * What was seen last of each token, by all logs of an isolate together: however many of them one token reads, the database
 * is asked about it once in LOOK_MS.
 */
const seen = new Map<string, Seen>();
/** Those that nobody asks about any more are dropped when there are more. */
const MAX_SEEN = 1_000;

interface Watched {
  readonly id: string;
  readonly onEnd: (why: string) => void;
}

/** Tells the readers of one log when the tokens by which they read end. It works only while somebody is watched. */
export class TokenWatch {
  readonly #findExpiries: FindExpiries;
  readonly #watched = new Set<Watched>();
  #timer: number | null = null;

  constructor(findExpiries: FindExpiries) {
    this.#findExpiries = findExpiries;
  }

  /** @returns ends the watching */
  add(id: string, onEnd: (why: string) => void): () => void {
    const watched: Watched = { id, onEnd };
    this.#watched.add(watched);
    this.#wait();
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size > 0 || this.#timer === null) return;
      clearTimeout(this.#timer);
      this.#timer = null;
    };
  }

  #wait(): void {
    this.#timer ??= setTimeout(() => void this.#look(), LOOK_MS);
  }

  /** Never rejects. While the database is away nothing can be revoked in it, and what was seen last holds. */
  async #look(): Promise<void> {
    const now = Date.now();
    const ids = new Set([...this.#watched].map(({ id }) => id));
    const stale = [...ids].filter((id) => (seen.get(id)?.at ?? 0) <= now - LOOK_MS / 2);
    try {
      if (stale.length > 0) remember(stale, await this.#findExpiries(stale), now);
    } catch {
      // Asked again soon.
    }
    this.#timer = null;
    for (const watched of this.#watched) {
      const why = endOf(watched.id, Date.now());
      if (why === null) continue;
      this.#watched.delete(watched);
      watched.onEnd(why);
    }
    if (this.#watched.size > 0) this.#wait();
  }
}

function remember(asked: readonly string[], expiries: ReadonlyMap<string, EpochMs>, at: EpochMs): void {
  if (seen.size > MAX_SEEN) seen.clear();
  for (const id of asked) {
    const before = seen.get(id)?.until ?? 0;
    // The row of a token that has expired is removed some time.
    const isExpired = before !== 0 && before <= at;
    seen.set(id, { at, until: expiries.get(id) ?? (isExpired ? before : null) });
  }
}

function endOf(id: string, now: EpochMs): string | null {
  const last = seen.get(id);
  if (last === undefined) return null;
  if (last.until === null) return 'the token that it is read by was revoked';
  return last.until !== 0 && last.until <= now ? 'the token that it is read by has expired' : null;
}
