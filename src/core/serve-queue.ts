import type { NodeId } from '../../schema/ids.ts';
import { fits, least, NOTHING, type Amounts } from '../../schema/amounts.ts';
import { Heap } from './heap.ts';
import { afterPlacing } from './kinds/partitions.ts';
import { placePartitions } from './placement/place.ts';
import type { Room } from './rooms.ts';
import type { Turn } from './turn.ts';
import { isBefore, type PlacementClass, type Waiting } from './wait-queue.ts';

/** A placement class whose first job some node may have room for. */
interface Hopeful {
  readonly its: PlacementClass;
  readonly head: Waiting;
}

/**
 * Gives what nodes have to those who wait, in the queue's order. Between turns no node can take anything that waits, so
 * only nodes that got room or changed are looked at, and of each placement class only the first: when it finds no room,
 * those behind it need not be asked.
 * @returns false when there is more to serve than a turn may take: the nodes that are left are still offered
 */
export function serveQueue(turn: Turn): boolean {
  const { queue, offered } = turn.world;
  if (queue.size === 0) offered.clear();
  if (offered.size === 0) return true;
  const nodes = someOf(offered, Math.max(1, Math.floor(turn.work.left / queue.classCount)));
  if (!serve(turn, nodes)) return false;
  for (const nodeId of nodes) offered.delete(nodeId);
  return offered.size === 0 || turn.work.left > 0;
}

/** @returns false when the turn has started as much as it may */
function serve(turn: Turn, nodes: readonly NodeId[]): boolean {
  const rooms = nodes.map((nodeId) => turn.world.room(nodeId));
  const { hopefuls, smallest } = findHopefuls(turn, rooms);
  // What is left of the rooms may be too little for all: then nobody else need be asked.
  for (let next = hopefuls.pop(); next !== undefined && hasRoom(rooms, smallest); next = hopefuls.pop()) {
    const { its, head } = next;
    const job = turn.world.job(head.jobId);
    if (job === null || !hasRoom(rooms, its.need)) continue;
    const placement = placePartitions(turn, job, nodes);
    if (placement === 'blocked') continue;
    if (placement === 'more') return false;
    afterPlacing(turn, job, placement);
    turn.markDirty(job.id);
    const follower = its.line.head();
    if (follower !== undefined) hopefuls.push({ its, head: follower });
  }
  return true;
}

/** The classes that some of the rooms fit, those whose first job is first in line at hand; and the least that any needs. */
function findHopefuls(turn: Turn, rooms: readonly Room[]): { hopefuls: Heap<Hopeful>; smallest: Amounts } {
  const { queue } = turn.world;
  const hopefuls = new Heap<Hopeful>((a, b) => isBefore(a.head, b.head));
  let smallest: Amounts | undefined;
  turn.work.spend(queue.classCount * rooms.length);
  for (const its of queue.classes()) {
    const head = its.line.head();
    if (head === undefined || !hasRoom(rooms, its.need)) continue;
    hopefuls.push({ its, head });
    smallest = smallest === undefined ? its.need : least(smallest, its.need);
  }
  return { hopefuls, smallest: smallest ?? NOTHING };
}

function hasRoom(rooms: readonly Room[], need: Amounts): boolean {
  for (const room of rooms) if (fits(need, room.free)) return true;
  return false;
}

function someOf(offered: ReadonlySet<NodeId>, count: number): NodeId[] {
  return offered.size <= count ? [...offered] : [...offered].slice(0, count);
}
