import type { EpochMs } from '../../schema/ids.ts';
import type { Batch } from '../store/store.ts';
import type { Settings } from './ports.ts';

/** Jobs pruned in one turn, and how long to the next such turn: quickly while there is more, rarely when there is not. */
const SLICE = 50;
const NEXT_SLICE_MS = 1_000;
const NEXT_LOOK_MS = 3_600_000;
/** Above the first share of the allowed size history is shortened, above the second nothing new is taken in. */
const TIGHT = 0.8;
const FULL = 0.9;
const TIGHT_RETENTION_MS = 86_400_000;

/** Keeps the database from growing for ever: old jobs go in small slices, in turns that have nothing else to do. */
export class Housekeeping {
  readonly #settings: Settings;
  #databaseBytes = 0;
  #nextAt: EpochMs = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Nothing new is taken in. */
  get isFull(): boolean {
    return this.#share >= FULL;
  }

  /** Longer history than this goes. 0 keeps it for ever. */
  get retentionMs(): number {
    const { retentionMs } = this.#settings;
    if (this.#share < TIGHT) return retentionMs;
    return retentionMs === 0 ? TIGHT_RETENTION_MS : Math.min(retentionMs, TIGHT_RETENTION_MS);
  }

  /** What a turn without events should prune now, or null. */
  due(now: EpochMs): Batch['prune'] {
    if (this.retentionMs === 0 || now < this.#nextAt) return null;
    return { before: (now - this.retentionMs) * 1000, limit: SLICE };
  }

  /** @returns true when the database has just become tight, which operators should know */
  committed(
    outcome: { readonly databaseBytes: number; readonly pruned: number },
    prune: Batch['prune'],
    now: EpochMs,
  ): boolean {
    const before = this.#share;
    if (outcome.databaseBytes > 0) this.#databaseBytes = outcome.databaseBytes;
    if (prune !== null) this.#nextAt = now + (outcome.pruned < prune.limit ? NEXT_LOOK_MS : NEXT_SLICE_MS);
    const isNewlyTight = before < TIGHT && this.#share >= TIGHT;
    if (isNewlyTight) this.#nextAt = 0;
    return isNewlyTight;
  }

  get #share(): number {
    return this.#settings.maxDatabaseBytes === 0 ? 0 : this.#databaseBytes / this.#settings.maxDatabaseBytes;
  }
}
