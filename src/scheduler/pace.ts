import type { EpochMs } from '../../schema/ids.ts';
import {
  CAPACITY_FRAMES_AT_ONCE,
  CAPACITY_FRAMES_PER_SECOND,
  FRAME_CHARS_AT_ONCE,
  FRAME_CHARS_PER_SECOND,
  FRAMES_AT_ONCE,
  FRAMES_PER_SECOND,
} from '../../schema/limits.ts';
import { Bucket } from './bucket.ts';

const FRAMES = { atOnce: FRAMES_AT_ONCE, perSecond: FRAMES_PER_SECOND };
const CHARS = { atOnce: FRAME_CHARS_AT_ONCE, perSecond: FRAME_CHARS_PER_SECOND };
const CAPACITY = { atOnce: CAPACITY_FRAMES_AT_ONCE, perSecond: CAPACITY_FRAMES_PER_SECOND };

/**
 * How much one connection may say. Far more than an honest agent has to: one that was away for long reports a thousand
 * ends at once, with all that their tasks printed.
 */
export class Pace {
  readonly #frames: Bucket;
  readonly #chars: Bucket;
  readonly #capacity: Bucket;

  constructor(now: EpochMs) {
    this.#frames = new Bucket(FRAMES, now);
    this.#chars = new Bucket(CHARS, now);
    this.#capacity = new Bucket(CAPACITY, now);
  }

  /** Why the frame is one too many, or null. Asked before it is read: reading is most of what it costs. */
  whyNot(chars: number, now: EpochMs): string | null {
    if (!this.#frames.take(1, now)) return `more than ${FRAMES_PER_SECOND} frames a second`;
    return this.#chars.take(chars, now) ? null : `more than ${FRAME_CHARS_PER_SECOND} characters a second`;
  }

  /** The same for a frame that says what the node offers. */
  whyNoCapacity(now: EpochMs): string | null {
    return this.#capacity.take(1, now) ? null : `more than ${CAPACITY_FRAMES_PER_SECOND * 60} capacity frames a minute`;
  }
}
