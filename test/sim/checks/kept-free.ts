import type { JobId, NodeId } from '../../../schema/ids.ts';
import { FIRST_HOLD_MS } from '../../../schema/limits.ts';
import { add, fits } from '../../../schema/amounts.ts';
import { hasDeclined, hasUnplaced, isBefore, ripeAt, standsInLine, sumOf } from './view.ts';
import type { Spot, Unended, View } from './view.ts';

/** Whoever waits for less than this may wait for anything. */
const PATIENCE_MS = 5_000;
/** Looks are taken once a second, and what is due is done shortly after. */
const SLACK_MS = 3_000;

/** A job that could start on these nodes, had nobody a better right to their room. */
export interface Able {
  readonly one: Unended;
  readonly spots: readonly Spot[];
}

/** What may be going on: since then a node is kept free for one of these jobs. */
interface Guess {
  readonly nodeId: NodeId;
  /** Keys of the jobs of which one is the one. */
  readonly owners: ReadonlySet<string>;
  readonly since: number;
  /** When somebody was last seen to wait for it. */
  readonly last: number;
  /** Ids of those who were seen to wait for it. */
  readonly kept: ReadonlySet<JobId>;
  /** The hold may have ended before its time, and nobody has to rest: a new one may begin at once. */
  readonly mayHaveEnded: boolean;
}

/**
 * Judges who may be kept waiting beside a free node. At most one node in the whole installation is kept free at a time,
 * for a job that comes first and that the node could really take, and never for long: a hold that brought nothing ends
 * after 30 s, the next one of that job after twice as long, and in between nobody has one for as long as the last.
 *
 * Knows nothing of what the Scheduler remembers. From who waits where it guesses what may be kept free for whom since when;
 * as long as one guess fits all that was seen, nobody waits without a reason.
 */
export class KeptFree {
  #guesses: readonly Guess[] = [];
  /** By key of the job: since when it is ripe and some node could take it. */
  readonly #takeableSince = new Map<string, number>();
  /** By key of the job: how many executions it had. */
  #starts = new Map<string, number>();
  #firstLook = 0;
  #lastLook: number | null = null;
  readonly #note: (what: string) => void;

  constructor(note: (what: string) => void) {
    this.#note = note;
  }

  /** Call it once a second. @returns  the jobs that wait without a reason, each with what was looked for in vain */
  judge(view: View, able: readonly Able[]): ReadonlyMap<JobId, string> {
    const waiting = view.jobs.filter((one) => standsInLine(one.job) && hasUnplaced(one));
    this.#catchUp(view, waiting);
    const excused = new Set(this.#excuse(view, able, waiting));
    if (excused.size > 0) this.#note('a node kept free');
    this.#lastLook = view.now;
    const wronged = able.filter(({ one, spots }) => spots.length > 0 && !excused.has(one));
    return new Map(wronged.map((its) => [its.one.job.id, whyInVain(view, its, waiting)]));
  }

  /** What changed since the last look, whoever waits. */
  #catchUp(view: View, waiting: readonly Unended[]): void {
    const since = this.#lastLook ?? view.now;
    if (this.#lastLook === null) this.#firstLook = view.now;
    for (const one of waiting) {
      const ripe = ripeAt(one.job);
      if (this.#takeableSince.has(one.key) || ripe > view.now || !mayHaveBeenTakeable(view, one, since)) continue;
      // Who knows what was before the first look.
      this.#takeableSince.set(one.key, ripe < this.#firstLook ? ripe : Math.max(ripe, since));
    }
    const byKey = new Map(waiting.map((one) => [one.key, one]));
    const spots = new Map(view.spots.map((spot) => [spot.node.id, spot]));
    const starts = new Map(waiting.map((one) => [one.key, one.current.length]));
    this.#guesses = this.#guesses.map((guess) => {
      const spot = spots.get(guess.nodeId);
      const isAsBefore =
        spot !== undefined &&
        !hasChanged(spot, since) &&
        [...guess.owners].every((key) => {
          const owner = byKey.get(key);
          return owner !== undefined && view.couldTake(owner).has(spot) && starts.get(key) === this.#starts.get(key);
        });
      if (isAsBefore && spot !== undefined && this.#hasLapsed(guess, spot)) this.#note('a hold that lapsed');
      return isAsBefore ? guess : { ...guess, mayHaveEnded: true };
    });
    this.#starts = starts;
  }

  /** Somebody who was kept waiting until now has started there, while those wait on for whom the node was kept free. */
  #hasLapsed({ since, last, kept }: Guess, { passing }: Spot): boolean {
    if (last !== this.#lastLook || last - since < FIRST_HOLD_MS / 2) return false;
    return passing.some((e) => kept.has(e.jobId) && e.createdAt > last * 1_000);
  }

  /** @returns  those who may be kept waiting; all of them wait for the same node */
  #excuse(view: View, able: readonly Able[], waiting: readonly Unended[]): readonly Unended[] {
    const byNode = new Map<Spot, Unended[]>();
    for (const { one, spots } of able) {
      const [spot] = spots;
      if (spot !== undefined && spots.length === 1) byNode.set(spot, [...(byNode.get(spot) ?? []), one]);
    }
    // What was kept free is likely to be still.
    const known = new Set(this.#guesses.map(({ nodeId }) => nodeId));
    const inOrder = [...byNode].sort(([a], [b]) => Number(known.has(b.node.id)) - Number(known.has(a.node.id)));
    for (const [spot, behind] of inOrder) {
      const { excused, owners } = explain(view, spot, { behind, waiting });
      if (excused.length === 0) continue;
      const guesses = this.#guessAnew({
        nodeId: spot.node.id,
        owners,
        kept: new Set(excused.map(({ job }) => job.id)),
        since: view.now,
        last: view.now,
        mayHaveEnded: false,
      });
      if (guesses.length === 0) continue;
      this.#guesses = guesses;
      return excused;
    }
    return [];
  }

  /** What may be going on now that somebody waits where, for all that is known, `fresh` may just have begun. */
  #guessAnew(fresh: Guess): Guess[] {
    const { nodeId, owners, kept, last: now } = fresh;
    if (this.#guesses.length === 0) return [fresh];
    const goesOn = this.#guesses.flatMap((guess) => {
      const still = new Set([...guess.owners].filter((key) => owners.has(key)));
      const isSame = guess.nodeId === nodeId && still.size > 0 && now <= this.#latestEnd(guess.since, still);
      return isSame ? [{ ...guess, owners: still, kept, last: now, mayHaveEnded: false }] : [];
    });
    return this.#guesses.some((guess) => this.#mayFollow(guess, fresh)) ? [...goesOn, fresh] : goesOn;
  }

  /** After a hold that was in vain nobody has one for as long as it lasted. */
  #mayFollow({ nodeId, since, last, mayHaveEnded }: Guess, fresh: Guess): boolean {
    if (mayHaveEnded) return true;
    const lasted = last - since;
    if (lasted <= PATIENCE_MS) return nodeId !== fresh.nodeId || last !== this.#lastLook;
    return fresh.since - last >= Math.max(FIRST_HOLD_MS, lasted) - SLACK_MS;
  }

  /**
   * How long a hold that began then may last at most. All of the job's holds before it lapsed, and each of them was
   * followed by a rest as long as itself: twice the sum of 30 s, 60 s, ... had gone by since it could first be taken.
   */
  #latestEnd(since: number, owners: Iterable<string>): number {
    let latest = 0;
    for (const key of owners) {
      const before = Math.max(0, since - (this.#takeableSince.get(key) ?? since));
      latest = Math.max(latest, since + FIRST_HOLD_MS + before / 2);
    }
    return latest + SLACK_MS;
  }
}

/** The node is not what it was, or something endless has come to it: a hold may have ended and begun again. */
function hasChanged({ node, endless }: Spot, since: number): boolean {
  return node.modifiedAt > since * 1_000 || endless.some((e) => e.createdAt > since * 1_000);
}

/** Some node could take the job, or could have for a moment since then: a service was started anew, or the node came back. */
function mayHaveBeenTakeable(view: View, one: Unended, since: number): boolean {
  if (view.couldTake(one).size > 0) return true;
  return view.spots.some((spot) => fits(one.need, spot.capacity) && hasChanged(spot, since));
}

/** Of those who wait for the node the ones that have to if it is kept free for one of the owners, the same for all. */
function explain(
  view: View,
  spot: Spot,
  { behind, waiting }: { readonly behind: readonly Unended[]; readonly waiting: readonly Unended[] },
): { readonly excused: readonly Unended[]; readonly owners: ReadonlySet<string> } {
  const excused: Unended[] = [];
  let owners = waiting;
  for (const one of behind.toSorted((a, b) => (isBefore(a.job, b.job) ? -1 : 1))) {
    const theirs = owners.filter((owner) => mayHold(view, spot, { owner, one }));
    if (theirs.length === 0) continue;
    excused.push(one);
    owners = theirs;
  }
  return { excused, owners: new Set(owners.map(({ key }) => key)) };
}

/** The node may be kept free for `owner`, and `one` has to wait for that. */
function mayHold(view: View, spot: Spot, { owner, one }: { owner: Unended; one: Unended }): boolean {
  if (owner === one || !isBefore(owner.job, one.job) || ripeAt(owner.job) > view.now) return false;
  return view.couldTake(owner).has(spot) && !fitsBeside(view, spot, { owner, one });
}

/** There is room for both, also with all that was started since a hold for the first may have begun. */
function fitsBeside(
  { now }: View,
  { lasting, passing }: Spot,
  { owner, one }: { owner: Unended; one: Unended },
): boolean {
  const ripe = ripeAt(owner.job);
  const earliest = Math.max(ripe, now - FIRST_HOLD_MS - (now - ripe) / 2 - SLACK_MS);
  const started = sumOf(passing.filter((e) => e.createdAt >= earliest * 1_000));
  return fits(add(add(one.need, owner.need), started), lasting);
}

/** For people: why no node is kept free for those who come first, or has been for too long. */
function whyInVain(view: View, { one, spots }: Able, waiting: readonly Unended[]): string {
  const [spot] = spots;
  if (spot === undefined || spots.length > 1) return `${spots.length} nodes have room`;
  const first = waiting.filter((owner) => isBefore(owner.job, one.job) && ripeAt(owner.job) <= view.now);
  const reasons = first.map((owner) => `${owner.job.name} ${whyNotHeld(view, spot, { owner, one })}`);
  return `${spot.node.id} has room; ${reasons.join(', ') || 'nobody comes first'}`;
}

function whyNotHeld(view: View, spot: Spot, { owner, one }: { owner: Unended; one: Unended }): string {
  if (hasDeclined(spot.node, owner.current)) return 'was declined';
  if (!view.suits(spot, owner)) return 'does not suit it';
  if (!view.couldTake(owner).has(spot)) return 'does not fit beside what never ends';
  if (fitsBeside(view, spot, { owner, one })) return 'fits beside it';
  return 'has had its time';
}
