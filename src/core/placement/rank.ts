import type { Needs } from '../../../schema/records.ts';
import { amountsOf } from '../amounts.ts';
import { isFavoured } from './constraints.ts';
import type { Candidate } from './filters.ts';

/** What a node's past says about it. */
export interface Record {
  /** It missed a deadline and has been silent since. */
  readonly isLastChoice: boolean;
  /** This partition failed there. */
  readonly wasTried: boolean;
}

/** One consideration, 0 to 1: the higher, the better. */
type Ranker = (candidate: Candidate, needs: Needs, record: Record) => number;

const answers: Ranker = (_, __, { isLastChoice }) => (isLastChoice ? 0 : 1);
const untried: Ranker = (_, __, { wasTried }) => (wasTried ? 0 : 1);
const favoured: Ranker = ({ node }, { constraints }) => (isFavoured(node.info.labels, constraints) ? 1 : 0);

/** The share of the node that stays free, of what the job uses most: work spreads over nodes rather than piling up. */
const spread: Ranker = ({ node, free }, { resources }) => {
  const most = amountsOf(node.info.capacity);
  const need = amountsOf(resources);
  const shares = [
    [need.cpuMicros, free.cpuMicros, most.cpuMicros],
    [need.memory, free.memory, most.memory],
    [need.gpu, free.gpu, most.gpu],
  ] as const;
  const left = shares
    .filter(([wanted, , all]) => wanted > 0 && all > 0)
    .map(([wanted, has, all]) => (has - wanted) / all);
  return left.length === 0 ? 1 : Math.min(...left);
};

/** From what weighs most to what weighs least; each decides only between nodes that are equal in all before it. */
const rankers: readonly Ranker[] = [answers, untried, favoured, spread];

/** Enough that a ranker's smallest step outweighs all behind it; `spread` is rounded to this many steps. */
const STEPS = 1_000;

/** How well the node suits an execution with these needs; the filters have let it pass. Higher is better. */
export function rankOf(candidate: Candidate, needs: Needs, record: Record): number {
  return rankers.reduce((rank, ranker) => rank * STEPS + Math.round(ranker(candidate, needs, record) * (STEPS - 1)), 0);
}
