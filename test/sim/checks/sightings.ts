import type { Totals } from '../world/totals.ts';
import { hasDeclined, hasUnplaced, isBefore, ripeAt, standsInLine, type Unended, type View } from './view.ts';

/** What the promises about waiting are about, counted once a seed: without it they would say little. */
export class Sightings {
  readonly #totals: Totals;
  readonly #seen = new Set<string>();

  constructor(totals: Totals) {
    this.#totals = totals;
  }

  look(view: View): void {
    const waiting = view.jobs.filter(({ job }) => standsInLine(job) && ripeAt(job) <= view.now);
    const inOrder = waiting.filter(hasUnplaced).sort((a, b) => (isBefore(a.job, b.job) ? -1 : 1));
    if (isDeclined(view, inOrder)) this.note('a declined job at the head of the queue');
    if (inOrder.some((one) => isUnderService(view, one))) this.note('an endless service under a waiting big job');
  }

  note(what: string): void {
    if (this.#seen.has(what)) return;
    this.#seen.add(what);
    this.#totals.count(`seed with ${what}`);
  }
}

/** Every node that the Scheduler might choose for the first in line has said no. */
function isDeclined(view: View, inOrder: readonly Unended[]): boolean {
  for (const one of inOrder) {
    const spots = view.offering(one);
    if (spots.length > 0) return spots.every(({ node }) => hasDeclined(node, one.current));
  }
  return false;
}

/** No node can take the job whatever ends, and on one that is of the right kind a service has the room. */
function isUnderService(view: View, one: Unended): boolean {
  if (view.couldTake(one).size > 0) return false;
  return view.offering(one).some((spot) => view.suits(spot, one) && spot.endless.some((e) => view.isOfService(e)));
}
