import type { EpochMs, NodeId } from '../../schema/ids.ts';
import * as limits from '../../schema/limits.ts';
import { Bucket, type Allowance } from './bucket.ts';
import type { ObjectSocket } from './runtime.ts';

const NODE = {
  frames: { atOnce: limits.FRAMES_AT_ONCE, perSecond: limits.FRAMES_PER_SECOND },
  chars: { atOnce: limits.FRAME_CHARS_AT_ONCE, perSecond: limits.FRAME_CHARS_PER_SECOND },
};
const MODEST = {
  frames: { atOnce: limits.MODEST_FRAMES_AT_ONCE, perSecond: limits.MODEST_FRAMES_PER_SECOND },
  chars: { atOnce: limits.MODEST_FRAME_CHARS_AT_ONCE, perSecond: limits.MODEST_FRAME_CHARS_PER_SECOND },
};
const ALL = {
  frames: { atOnce: limits.ALL_FRAMES_AT_ONCE, perSecond: limits.ALL_FRAMES_PER_SECOND },
  chars: { atOnce: limits.ALL_FRAME_CHARS_AT_ONCE, perSecond: limits.ALL_FRAME_CHARS_PER_SECOND },
};
const STRANGER = {
  frames: { atOnce: limits.STRANGER_FRAMES, perSecond: 0 },
  chars: { atOnce: limits.STRANGER_CHARS, perSecond: 0 },
};
const CAPACITY = { atOnce: limits.CAPACITY_FRAMES_AT_ONCE, perSecond: limits.CAPACITY_FRAMES_PER_SECOND };
const LARGE = { atOnce: limits.LARGE_CHARS_AT_ONCE, perSecond: limits.LARGE_CHARS_PER_SECOND };

/** Nodes whose pace is remembered before those are dropped that have said nothing lately. */
const MAX_REMEMBERED = 2 * limits.MAX_NODES;

/** Frames and their characters. */
class Pace {
  readonly #frames: Bucket;
  readonly #chars: Bucket;

  constructor({ frames, chars }: { readonly frames: Allowance; readonly chars: Allowance }, now: EpochMs) {
    this.#frames = new Bucket(frames, now);
    this.#chars = new Bucket(chars, now);
  }

  /** What the frame is too much of, or null. */
  take(chars: number, now: EpochMs): 'frames' | 'characters' | null {
    if (!this.#frames.take(1, now)) return 'frames';
    return this.#chars.take(chars, now) ? null : 'characters';
  }

  isFull(now: EpochMs): boolean {
    return this.#frames.isFull(now) && this.#chars.isFull(now);
  }
}

interface NodePace {
  readonly most: Pace;
  readonly modest: Pace;
  readonly capacity: Bucket;
}

/**
 * How much agents may say. Of one node it is far more than an honest agent has to: one that was away for long reports a
 * thousand ends at once, with all that their tasks printed. It goes with the node, so that dialling again gives no more.
 * When all nodes together say more than one thread can read, those are closed that say more than a modest share.
 */
export class Paces {
  readonly #nodes = new Map<NodeId, NodePace>();
  readonly #strangers = new WeakMap<ObjectSocket, Pace>();
  readonly #all: Pace;
  readonly #large: Bucket;

  constructor(now: EpochMs) {
    this.#all = new Pace(ALL, now);
    this.#large = new Bucket(LARGE, now);
  }

  /** Why a frame of the node is one too many, or null. Asked before it is read: reading is most of what it costs. */
  whyNot(nodeId: NodeId, chars: number, now: EpochMs): string | null {
    const pace = this.#of(nodeId, now);
    const isModest = pace.modest.take(chars, now) === null;
    const tooMuch = pace.most.take(chars, now);
    if (tooMuch === 'frames') return `more than ${limits.FRAMES_PER_SECOND} frames a second`;
    if (tooMuch !== null) return `more than ${limits.FRAME_CHARS_PER_SECOND} characters a second`;
    const isBusy = this.#all.take(chars, now) !== null;
    return isBusy && !isModest ? 'more than its share while all nodes together say too much' : null;
  }

  /** The same for a frame that says what the node offers. */
  whyNoCapacity(nodeId: NodeId, now: EpochMs): string | null {
    if (this.#of(nodeId, now).capacity.take(1, now)) return null;
    return `more than ${limits.CAPACITY_FRAMES_PER_SECOND * 60} capacity frames a minute`;
  }

  /** The same for a connection whose hello is not complete. */
  whyNotYet(socket: ObjectSocket, chars: number, now: EpochMs): string | null {
    let pace = this.#strangers.get(socket);
    if (pace === undefined) {
      pace = new Pace(STRANGER, now);
      this.#strangers.set(socket, pace);
    }
    const tooMuch = pace.take(chars, now);
    if (tooMuch !== null) return `more ${tooMuch} than a hello takes`;
    if (chars <= limits.LARGE_FRAME_CHARS || this.#large.take(chars, now)) return null;
    return 'too many nodes are saying what they hold';
  }

  #of(nodeId: NodeId, now: EpochMs): NodePace {
    let pace = this.#nodes.get(nodeId);
    if (pace === undefined) {
      if (this.#nodes.size >= MAX_REMEMBERED) this.#forgetQuiet(now);
      pace = { most: new Pace(NODE, now), modest: new Pace(MODEST, now), capacity: new Bucket(CAPACITY, now) };
      this.#nodes.set(nodeId, pace);
    }
    return pace;
  }

  #forgetQuiet(now: EpochMs): void {
    for (const [nodeId, { most, modest, capacity }] of this.#nodes) {
      if (most.isFull(now) && modest.isFull(now) && capacity.isFull(now)) this.#nodes.delete(nodeId);
    }
  }
}
