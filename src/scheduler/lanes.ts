import type { NodeId } from '../../schema/ids.ts';
import type { CoreEvent, Reply } from '../core/decide.ts';

/** An event that waits for its turn, with whoever waits for it. */
export interface Waiting {
  readonly event: CoreEvent;
  /** About how much of a turn it takes. */
  readonly bytes: number;
  /** Its place among all that ever waited. */
  readonly place: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** How much of a turn may still be taken. */
export interface Room {
  events: number;
  bytes: number;
}

/** What waits for a turn, of one kind. */
export interface Lane {
  readonly count: number;
  readonly bytes: number;
  /** Takes out what fits into the room, and makes that smaller. @param atLeastOne  the first event, however large */
  take(room: Room, atLeastOne: boolean): Waiting[];
}

function fits(next: Waiting, room: Room, however: boolean): boolean {
  return room.events > 0 && (however || next.bytes <= room.bytes);
}

/** First come, first served. */
export class Line implements Lane {
  readonly #waiting: Waiting[] = [];
  bytes = 0;

  get count(): number {
    return this.#waiting.length;
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.bytes += waiting.bytes;
  }

  take(room: Room, atLeastOne: boolean): Waiting[] {
    let to = 0;
    for (;;) {
      const next = this.#waiting[to];
      if (next === undefined || !fits(next, room, atLeastOne && to === 0)) break;
      room.events -= 1;
      room.bytes -= next.bytes;
      this.bytes -= next.bytes;
      to += 1;
    }
    return this.#waiting.splice(0, to);
  }
}

/**
 * One event of each node in turn, so that a node that talks much makes only itself wait. What one node says keeps its
 * order, and so does all that is taken at once.
 */
export class Rounds implements Lane {
  /** Nodes that have something waiting, in the order of their turns. */
  readonly #nodes = new Map<NodeId, Waiting[]>();
  count = 0;
  bytes = 0;

  /** How many events of this node wait. */
  countOf(nodeId: NodeId): number {
    return this.#nodes.get(nodeId)?.length ?? 0;
  }

  /** The place of the event that has waited longest. */
  get oldest(): number {
    let oldest = Infinity;
    for (const [first] of this.#nodes.values()) oldest = Math.min(oldest, first?.place ?? Infinity);
    return oldest;
  }

  add(nodeId: NodeId, waiting: Waiting): void {
    const own = this.#nodes.get(nodeId);
    if (own === undefined) this.#nodes.set(nodeId, [waiting]);
    else own.push(waiting);
    this.count += 1;
    this.bytes += waiting.bytes;
  }

  take(room: Room, atLeastOne: boolean): Waiting[] {
    const taken: Waiting[] = [];
    for (const [nodeId, own] of this.#nodes) {
      const next = own[0];
      if (next === undefined || !fits(next, room, atLeastOne && taken.length === 0)) break;
      taken.push(next);
      room.events -= 1;
      room.bytes -= next.bytes;
      own.shift();
      // Set again it comes last, and the loop comes by once more.
      this.#nodes.delete(nodeId);
      if (own.length > 0) this.#nodes.set(nodeId, own);
    }
    this.count -= taken.length;
    for (const { bytes } of taken) this.bytes -= bytes;
    return taken.sort((a, b) => a.place - b.place);
  }
}
