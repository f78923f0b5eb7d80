import { ShoalError } from '../../schema/errors.ts';
import type { NodeId } from '../../schema/ids.ts';
import {
  MAX_INBOX_BYTES,
  MAX_INBOX_COMMANDS,
  MAX_INBOX_FRAMES,
  MAX_INBOX_NODE_FRAMES,
  MAX_TURN_BYTES,
  MAX_TURN_EVENTS,
} from '../../schema/limits.ts';
import { isCommand, laneOf, type CoreEvent, type Reply } from '../core/decide.ts';
import { Line, Rounds, type Lane, type Room, type Waiting } from './lanes.ts';

/** Of every turn, as far as there is something to fill it; what one kind leaves the others may have. */
const FRAMES_SHARE = 1 / 2;
const COMMANDS_SHARE = 1 / 4;
/** How often frames that wait behind a long stretch of work are looked for. */
const MAX_LOOKS = 10;

/**
 * Events between turns: what agents say, what frees nodes (stops, changes of nodes), deadlines, new work. Each kind has
 * room of its own and a share of every turn, so that none of them can starve another. Bounded: commands beyond the bound
 * are refused, and so are greetings; frames are dropped and come again.
 */
export class Inbox {
  readonly #frames = new Rounds();
  readonly #stops = new Line();
  readonly #submits = new Line();
  #wake: { readonly waiting: Waiting; readonly reply: Promise<Reply> } | null = null;
  #places = 0;
  dropped = 0;

  get isEmpty(): boolean {
    return this.#wake === null && this.#frames.count + this.#stops.count + this.#submits.count === 0;
  }

  /** Resolves once the event's turn is committed. @throws ShoalError ServiceUnavailable when there is no room for it */
  add(event: CoreEvent, bytes: number): Promise<Reply> {
    if (isCommand(event))
      return this.#addCommand(laneOf(event) === 'frees' ? this.#stops : this.#submits, event, bytes);
    switch (event.type) {
      case 'start':
        throw new Error('a start is no event from outside');
      case 'wake':
        return this.#addWake();
      case 'greeting':
        return this.#addFrame(event.greeting.hello.nodeId, event, bytes);
      case 'frame':
        return this.#addFrame(event.session.nodeId, event, bytes);
      case 'disconnect':
        return this.#join(event.nodeId, event, bytes);
    }
  }

  /**
   * Before deadlines are judged: frames that have arrived, but wait behind a long stretch of work of this very object, are
   * let in. They may say that a deadline was met.
   * @param yieldOnce  lets whatever else waits for this thread run
   */
  async letIn(yieldOnce: () => Promise<void>): Promise<void> {
    if (this.#wake === null) return;
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const before = this.#places;
      await yieldOnce();
      if (this.#places === before) return;
    }
  }

  /**
   * Takes out what fits one turn, at least one event when there is any: frames first, then what frees nodes, then
   * deadlines, then new work. Deadlines wait for frames that were there before them.
   */
  take(): Waiting[] {
    const room: Room = { events: MAX_TURN_EVENTS, bytes: MAX_TURN_BYTES };
    const lanes: readonly [Lane, number][] = [
      [this.#frames, FRAMES_SHARE],
      [this.#stops, COMMANDS_SHARE],
      [this.#submits, COMMANDS_SHARE],
    ];
    const taken = lanes.map(([lane, share]) => take(lane, share, room));
    lanes.forEach(([lane], i) => taken[i]?.push(...lane.take(room, false)));
    const [frames = [], stops = [], submits = []] = taken;
    return [...frames.sort((a, b) => a.place - b.place), ...stops, ...this.#takeWake(), ...submits];
  }

  #takeWake(): Waiting[] {
    const wake = this.#wake?.waiting;
    if (wake === undefined || this.#frames.oldest < wake.place) return [];
    this.#wake = null;
    return [wake];
  }

  /** One look at the deadlines serves all who ask for it before it begins. */
  #addWake(): Promise<Reply> {
    if (this.#wake !== null) return this.#wake.reply;
    this.#wake = this.#wait({ type: 'wake' }, 0);
    return this.#wake.reply;
  }

  #addFrame(nodeId: NodeId, event: CoreEvent, bytes: number): Promise<Reply> {
    const isFull =
      this.#frames.count >= MAX_INBOX_FRAMES ||
      this.#frames.countOf(nodeId) >= MAX_INBOX_NODE_FRAMES ||
      this.#frames.bytes + bytes > MAX_INBOX_BYTES;
    if (!isFull) return this.#join(nodeId, event, bytes);
    if (event.type === 'greeting') return Promise.reject(tooBusy());
    this.dropped += 1;
    return Promise.resolve(null);
  }

  #addCommand(lane: Line, event: CoreEvent, bytes: number): Promise<Reply> {
    if (lane.count >= MAX_INBOX_COMMANDS || lane.bytes + bytes > MAX_INBOX_BYTES) return Promise.reject(tooBusy());
    const { waiting, reply } = this.#wait(event, bytes);
    lane.add(waiting);
    return reply;
  }

  #join(nodeId: NodeId, event: CoreEvent, bytes: number): Promise<Reply> {
    const { waiting, reply } = this.#wait(event, bytes);
    this.#frames.add(nodeId, waiting);
    return reply;
  }

  #wait(event: CoreEvent, bytes: number): { readonly waiting: Waiting; readonly reply: Promise<Reply> } {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    return { waiting: { event, bytes, place: this.#places++, resolve, reject }, reply: promise };
  }
}

/** A kind's own share of the turn. */
function take(lane: Lane, share: number, room: Room): Waiting[] {
  const own: Room = { events: MAX_TURN_EVENTS * share, bytes: MAX_TURN_BYTES * share };
  const taken = lane.take(own, true);
  for (const { bytes } of taken) room.bytes -= bytes;
  room.events -= taken.length;
  return taken;
}

export function tooBusy(): ShoalError {
  return new ShoalError('ServiceUnavailable', 'the scheduler has more commands waiting than it takes', {
    component: 'Scheduler',
    hint: 'Try again in a few seconds.',
    retryAfterSeconds: 2,
  });
}
