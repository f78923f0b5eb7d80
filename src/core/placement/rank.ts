import type { NodeId } from '../../../schema/ids.ts';
import type { Amounts } from '../../../schema/amounts.ts';
import type { Room } from '../rooms.ts';

/** What ranking sees of a node that can take an execution. */
export interface Rankable {
  readonly nodeId: NodeId;
  readonly room: Room;
  /** It meets the job's preferences. */
  readonly favoured: boolean;
  /** It missed a deadline and has been silent since. */
  readonly isLastChoice: boolean;
}

/**
 * One consideration, 0 to 1: the higher, the better. It is asked for every node that could take an execution, so it makes
 * no objects.
 * @param need  of one execution
 * @param tried  nodes where this partition failed before
 */
type Ranker = (node: Rankable, need: Amounts, tried: ReadonlySet<NodeId>) => number;

const answers: Ranker = ({ isLastChoice }) => (isLastChoice ? 0 : 1);
const untried: Ranker = ({ nodeId }, _, tried) => (tried.has(nodeId) ? 0 : 1);
const favoured: Ranker = ({ favoured }) => (favoured ? 1 : 0);

/** The share of the node that stays free, of what the job uses most: work spreads over nodes rather than piling up. */
const spread: Ranker = ({ room: { capacity, free } }, need) =>
  Math.min(
    left(need.cpuMicros, free.cpuMicros, capacity.cpuMicros),
    left(need.memory, free.memory, capacity.memory),
    left(need.gpu, free.gpu, capacity.gpu),
  );

function left(wanted: number, free: number, all: number): number {
  return wanted > 0 && all > 0 ? (free - wanted) / all : 1;
}

/** From what weighs most to what weighs least; each decides only between nodes that are equal in all before it. */
const rankers: readonly Ranker[] = [answers, untried, favoured, spread];

/** Enough that a ranker's smallest step outweighs all behind it; `spread` is rounded to this many steps. */
const STEPS = 1_000;

/** How well the node suits an execution with these needs; the filters have let it pass. Higher is better. */
export function rankOf(node: Rankable, need: Amounts, tried: ReadonlySet<NodeId>): number {
  let rank = 0;
  for (const ranker of rankers) rank = rank * STEPS + Math.round(ranker(node, need, tried) * (STEPS - 1));
  return rank;
}
