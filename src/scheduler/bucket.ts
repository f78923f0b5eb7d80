import type { EpochMs } from '../../schema/ids.ts';

/** How much of something is allowed: `atOnce` at any moment, and `perSecond` for as long as one likes. */
export interface Allowance {
  readonly atOnce: number;
  readonly perSecond: number;
}

/** A bucket that starts full, is emptied by what is taken and fills again with time. */
export class Bucket {
  readonly #allowance: Allowance;
  #left: number;
  #at: EpochMs;

  constructor(allowance: Allowance, now: EpochMs) {
    this.#allowance = allowance;
    this.#left = allowance.atOnce;
    this.#at = now;
  }

  /** False when there is not as much left; then nothing is taken. */
  take(amount: number, now: EpochMs): boolean {
    this.#fill(now);
    if (amount > this.#left) return false;
    this.#left -= amount;
    return true;
  }

  /** True when nothing was taken that has not come back: a new bucket would be the same. */
  isFull(now: EpochMs): boolean {
    this.#fill(now);
    return this.#left === this.#allowance.atOnce;
  }

  #fill(now: EpochMs): void {
    const { atOnce, perSecond } = this.#allowance;
    const elapsedMs = Math.max(0, now - this.#at);
    this.#left = Math.min(atOnce, this.#left + (elapsedMs * perSecond) / 1000);
    this.#at = now;
  }
}
