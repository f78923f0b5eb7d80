import type { NodeId } from '../../schema/ids.ts';
import type { ExecutionRecord, NodeRecord } from '../../schema/records.ts';
import { add, amountsOf, atLeastNothing, NOTHING, subtract, type Amounts } from '../../schema/amounts.ts';
import { isLive, isOpen } from './execution.ts';

/** What a node offers, and what of it is taken. Placement reads it for every node it looks at, so it is kept, not made. */
export interface Room {
  /** What the node offers in all. */
  readonly capacity: Amounts;
  /** Of the executions that have not ended on it. */
  readonly charged: Amounts;
  /** The part of `charged` that does not come back by waiting: wanted copies of services and daemons. */
  readonly endless: Amounts;
  /** Capacity minus what is charged; never below nothing. */
  readonly free: Amounts;
  /** Executions that are charged. */
  readonly openCount: number;
}

/** Never below nothing: a node may offer less than before. */
function freeOf({ capacity, charged }: Pick<Room, 'capacity' | 'charged'>): Amounts {
  return atLeastNothing(subtract(capacity, charged));
}

type Mutable = { -readonly [Key in keyof Room]: Room[Key] };

/** The rooms of all nodes. Everything in it follows from rows of nodes and executions. */
export class Rooms {
  readonly #byNode = new Map<NodeId, Mutable>();
  /** Goes up whenever some node may have become able to take what it could not take before, however empty. */
  version = 0;

  of(nodeId: NodeId): Room {
    return this.#room(nodeId);
  }

  putNode(node: NodeRecord): void {
    const room = this.#room(node.id);
    room.capacity = amountsOf(node.info.capacity);
    room.free = freeOf(room);
    this.version += 1;
  }

  forget(nodeId: NodeId): void {
    this.#byNode.delete(nodeId);
  }

  /** @param isKeptUp  whether the execution's job is a service or daemon */
  putExecution(before: ExecutionRecord | undefined, after: ExecutionRecord, isKeptUp: boolean): void {
    const [wasOpen, open] = [before !== undefined && isOpen(before), isOpen(after)];
    const [wasEndless, endless] = [isKeptUp && before !== undefined && isLive(before), isKeptUp && isLive(after)];
    if (wasOpen === open && wasEndless === endless) return;
    const room = this.#room(after.nodeId);
    const amounts = amountsOf(after.resources);
    if (wasOpen !== open) {
      room.charged = open ? add(room.charged, amounts) : subtract(room.charged, amounts);
      room.free = freeOf(room);
      room.openCount += open ? 1 : -1;
    }
    if (wasEndless !== endless) {
      room.endless = endless ? add(room.endless, amounts) : subtract(room.endless, amounts);
      this.version += 1;
    }
  }

  #room(nodeId: NodeId): Mutable {
    let room = this.#byNode.get(nodeId);
    if (room === undefined) {
      room = { capacity: NOTHING, charged: NOTHING, endless: NOTHING, free: NOTHING, openCount: 0 };
      this.#byNode.set(nodeId, room);
    }
    return room;
  }
}
