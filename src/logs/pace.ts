/** Sent at once: small next to an object's 128 MB, and longer than nearly every log. */
const BURST_BYTES = 32 * 1024 * 1024;
/** What a deployed reader is taken to keep up with. */
const DEPLOYED_BYTES_PER_SECOND = 8 * 1024 * 1024;

/**
 * Holds back what one reader is sent. workerd tells nobody how much of what was sent has left (a WebSocket of its has no
 * `bufferedAmount`), and Bacalhau's clients acknowledge nothing, so time has to do: a reader who takes this much a second
 * never has more than the burst waiting in the object's memory. One who takes less makes it grow by the difference.
 */
export class Pace {
  readonly #bytesPerSecond: number;
  readonly #burstBytes: number;
  #free: number;
  #at: number;

  /** @param now epoch ms */
  constructor(now: number, bytesPerSecond: number = DEPLOYED_BYTES_PER_SECOND, burstBytes: number = BURST_BYTES) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#burstBytes = burstBytes;
    this.#free = burstBytes;
    this.#at = now;
  }

  /** Counts what was sent. @returns milliseconds to wait before more is */
  sent(bytes: number, now: number): number {
    const regained = ((now - this.#at) / 1000) * this.#bytesPerSecond;
    this.#free = Math.min(this.#burstBytes, this.#free + regained) - bytes;
    this.#at = now;
    return Math.max(0, Math.ceil((-this.#free / this.#bytesPerSecond) * 1000));
  }
}
