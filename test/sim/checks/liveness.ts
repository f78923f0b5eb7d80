import type { ExecutionId, JobId } from '../../../schema/ids.ts';
import { RETRY_MAX_MS } from '../../../schema/limits.ts';
import type { ExecutionRecord, JobRecord } from '../../../schema/records.ts';
import { fits } from '../../../schema/amounts.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import type { Base } from '../world/base.ts';
import type { Machine } from '../world/machine.ts';
import { KeptFree, type Able } from './kept-free.ts';
import { isLive } from './rows.ts';
import { Sightings } from './sightings.ts';
import type { StoreRules } from './store-rules.ts';
import { Turns } from './turns.ts';
import { standsInLine, View, type Spot, type Unended } from './view.ts';

/** How soon a queued job starts on a free node that matches it. */
const START_MS = 5_000;
/** How late a deadline is met at most. */
const DEADLINE_MS = 5_000;

/** Promise 6, once all is well: whoever waits although there is room does not wait long. */
export class Liveness {
  readonly #base: Base;
  readonly #rows: MemoryStore;
  readonly #rules: StoreRules;
  readonly #machines: ReadonlyMap<string, Machine>;
  readonly #sightings: Sightings;
  readonly #keptFree: KeptFree;
  readonly #turns: Turns;
  readonly #waiting = new Map<JobId | ExecutionId, number>();

  constructor(base: Base, rows: MemoryStore, rules: StoreRules, machines: ReadonlyMap<string, Machine>) {
    this.#base = base;
    this.#rows = rows;
    this.#rules = rules;
    this.#machines = machines;
    this.#sightings = new Sightings(base.totals);
    this.#keptFree = new KeptFree((what) => this.#sightings.note(what));
    this.#turns = new Turns(rows, machines);
  }

  /** Looks at every job that has not ended; call it once a second. */
  look(): void {
    const view = new View(this.#base.timeline.now, this.#rows, this.#rules, this.#machines);
    const wronged = new Map<JobId | ExecutionId, string>();
    const able: Able[] = [];
    for (const one of view.jobs) {
      this.#checkDeadlines(one.job);
      for (const e of one.executions) if (isLive(e) && e.computeState === 'New') wronged.set(e.id, 'nobody took it');
      const spots = this.#whereAble(view, one);
      if (standsInLine(one.job)) able.push({ one, spots });
      else if (spots.length > 0) wronged.set(one.job.id, `${spots.length} nodes have room`);
    }
    for (const [id, why] of this.#keptFree.judge(view, able)) wronged.set(id, why);
    this.#checkPatience(wronged);
    this.#sightings.look(view);
    for (const why of this.#turns.look(view).values()) this.#base.violate(`[6] ${why}`);
  }

  #checkPatience(wronged: ReadonlyMap<JobId | ExecutionId, string>): void {
    const { now } = this.#base.timeline;
    for (const id of this.#waiting.keys()) if (!wronged.has(id)) this.#waiting.delete(id);
    for (const [id, why] of wronged) {
      const since = this.#waiting.get(id) ?? now;
      this.#waiting.set(id, since);
      if (now - since <= START_MS) continue;
      this.#base.violate(`[6] ${id.slice(0, 10)} waits since ${since} although it could start: ${why}`);
    }
  }

  /** A job that may only wait or last for so long does not wait or last longer. */
  #checkDeadlines({ name, state, needs, versionAt, waitingSince }: JobRecord): void {
    const { queueTimeoutMs, totalTimeoutMs } = needs;
    const latest = this.#base.timeline.now - DEADLINE_MS;
    if (totalTimeoutMs > 0 && latest > versionAt + totalTimeoutMs) {
      this.#base.violate(`[6] ${name} lasts longer than its total timeout`);
    }
    if (state !== 'Queued' || waitingSince === null || queueTimeoutMs === null) return;
    if (latest > waitingSince + queueTimeoutMs) this.#base.violate(`[6] ${name} waits longer than its queue timeout`);
  }

  /** Nodes that some slot of the job waits for, and for nothing else. */
  #whereAble(view: View, one: Unended): readonly Spot[] {
    const { job, executions, current } = one;
    const isFanOut = !standsInLine(job);
    if (!isFanOut && !this.#wantsOne(one)) return [];
    // A service replaces its old copies in its own time.
    if (!isFanOut && executions.some((e) => e.jobVersion !== job.version && isLive(e))) return [];
    return view.spots.filter((spot) => {
      if (!fits(one.need, spot.free) || !view.suits(spot, one)) return false;
      return (
        !isFanOut ||
        this.#isUnserved(
          job,
          current.filter((e) => e.nodeId === spot.node.id),
        )
      );
    });
  }

  #wantsOne({ job, current }: Unended): boolean {
    const byPartition = Map.groupBy(current, (e) => e.partition);
    for (let partition = 0; partition < job.count; partition++) {
      if (this.#isUnserved(job, byPartition.get(partition) ?? [])) return true;
    }
    return false;
  }

  /** A slot with these executions wants another one, and does not rest after a failure. */
  #isUnserved(job: JobRecord, executions: readonly ExecutionRecord[]): boolean {
    const recently = (this.#base.timeline.now - RETRY_MAX_MS - 1_000) * 1_000;
    // An ops job that failed on a node may be done there.
    if (job.type === 'ops' && executions.length > 0) return false;
    if (executions.some((e) => isLive(e) || e.modifiedAt > recently)) return false;
    if (job.type === 'batch') return !executions.some((e) => e.computeState === 'Completed');
    return !executions.some((e) => e.failureClass === 'permanent');
  }
}
