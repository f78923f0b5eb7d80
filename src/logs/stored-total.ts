import { MAX_LOG_PARTS, MAX_STORED_LOG_BYTES } from '../../schema/limits.ts';

/** Whether there is room, else what there is too much of. */
export type Room = 'room' | 'bytes' | 'parts';

export interface Total {
  readonly parts: number;
  readonly bytes: number;
}

const LIMITS: Total = { parts: MAX_LOG_PARTS, bytes: MAX_STORED_LOG_BYTES };
/** What was counted and then failed to be stored is found out when the parts are listed again, this often at most. */
const RELIST_MS = 60_000;

/** How much of one log is stored, so that whoever has its token stores no more than a log. */
export class StoredTotal {
  readonly #list: () => Promise<Total>;
  readonly #limits: Total;
  #total: Total | null = null;
  #listing: Promise<void> | null = null;
  #listedAt = 0;

  constructor(list: () => Promise<Total>, limits: Total = LIMITS) {
    this.#list = list;
    this.#limits = limits;
  }

  /** Counts one more part of this many bytes when there is room for it. @param now epoch ms */
  async reserve(bytes: number, now: number): Promise<Room> {
    if (this.#total === null) await this.#relist(now);
    const room = this.#add(bytes);
    if (room === 'room' || now - this.#listedAt < RELIST_MS) return room;
    await this.#relist(now);
    return this.#add(bytes);
  }

  #add(more: number): Room {
    const total = this.#total;
    if (total === null || total.parts >= this.#limits.parts) return 'parts';
    if (total.bytes + more > this.#limits.bytes) return 'bytes';
    this.#total = { parts: total.parts + 1, bytes: total.bytes + more };
    return 'room';
  }

  /** All who ask at a time share one list. */
  #relist(now: number): Promise<void> {
    this.#listing ??= this.#listNow(now).finally(() => (this.#listing = null));
    return this.#listing;
  }

  async #listNow(now: number): Promise<void> {
    this.#listedAt = now;
    this.#total = await this.#list();
  }
}
