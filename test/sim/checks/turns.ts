import type { JobId, NodeId } from '../../../schema/ids.ts';
import { RESERVE_AFTER_MS } from '../../../schema/limits.ts';
import type { ExecutionRecord, JobRecord } from '../../../schema/records.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import type { Machine } from '../world/machine.ts';
import { hasUnplaced, isBefore, ripeAt, standsInLine } from './view.ts';
import type { Spot, Unended, View } from './view.ts';

/** Tasks that end within this time or less make no difference. */
const LEAST_LENGTH_MS = RESERVE_AFTER_MS;
/** A job starts within so many times the length of the tasks in its way. */
const TIMES = 5;
/** What pulling, stopping and reporting may add to the length of a task. */
const AROUND_A_TASK_MS = 5_000;
const SLACK_MS = 20_000;

/** One job that waits for its turn. */
interface Turn {
  readonly since: number;
  /** Executions that it had. */
  readonly starts: number;
  readonly spots: ReadonlyMap<NodeId, { readonly modifiedAt: number; longestMs: number }>;
  /** Other placement classes of which a job may have a node kept free for it: for how long one had been ripe. */
  readonly others: Map<string, number>;
}

/**
 * Promise 6 for those who need much: once nothing endless holds the room that a job needs, and it has waited for half a
 * minute, it starts within five times the length of the tasks on the nodes that could take it.
 *
 * Each node on which some task does not end may cost it a hold in vain, and each hold is twice as long as the one before.
 * Other jobs have their turns in between.
 */
export class Turns {
  readonly #rows: MemoryStore;
  readonly #machines: ReadonlyMap<string, Machine>;
  readonly #turns = new Map<string, Turn>();

  constructor(rows: MemoryStore, machines: ReadonlyMap<string, Machine>) {
    this.#rows = rows;
    this.#machines = machines;
  }

  /** Call it once a second. @returns  the jobs that have waited too long, each with how long it might have */
  look(view: View): ReadonlyMap<JobId, string> {
    const ripe = view.jobs.filter((one) => isReady(view, one) && view.couldTake(one).size > 0);
    const keys = new Set(ripe.map(({ key }) => key));
    for (const key of this.#turns.keys()) if (!keys.has(key)) this.#turns.delete(key);
    const classes = ripe.map((other) => ({ name: nameOf(other), ripeMs: view.now - ripeAt(other.job) }));
    const late = new Map<JobId, string>();
    for (const one of ripe) {
      const turn = this.#turnOf(view, one);
      for (const { name, ripeMs } of classes) {
        if (name !== nameOf(one) && !turn.others.has(name)) turn.others.set(name, ripeMs);
      }
      this.#measure(view, one, turn);
      const mostMs = boundOf(turn);
      if (view.now - turn.since <= mostMs + SLACK_MS) continue;
      late.set(one.job.id, `${one.job.name} waits for its turn since ${turn.since}, ${mostMs} ms would be enough`);
    }
    return late;
  }

  #turnOf(view: View, one: Unended): Turn {
    const spots = view.couldTake(one);
    const known = this.#turns.get(one.key);
    if (known !== undefined && !this.#isOverrun(one, { turn: known, spots })) return known;
    const turn: Turn = {
      since: view.now,
      starts: one.current.length,
      spots: new Map([...spots].map(({ node }) => [node.id, { modifiedAt: node.modifiedAt, longestMs: 0 }])),
      others: new Map(),
    };
    this.#turns.set(one.key, turn);
    return turn;
  }

  /** The count begins anew: something of it started, its nodes changed, or somebody with a better right took the room. */
  #isOverrun(one: Unended, { turn, spots }: { readonly turn: Turn; readonly spots: ReadonlySet<Spot> }): boolean {
    if (turn.starts !== one.current.length || turn.spots.size !== spots.size) return true;
    const since = turn.since * 1_000;
    for (const { node, passing } of spots) {
      if (turn.spots.get(node.id)?.modifiedAt !== node.modifiedAt) return true;
      if (passing.some((e) => e.createdAt > since && this.#comesFirst(e, one.job))) return true;
    }
    return false;
  }

  #comesFirst({ jobId }: ExecutionRecord, job: JobRecord): boolean {
    const other = this.#rows.jobs.get(jobId)?.job;
    return other === undefined || !standsInLine(other) || isBefore(other, job);
  }

  #measure(view: View, one: Unended, turn: Turn): void {
    for (const { node, passing } of view.couldTake(one)) {
      const spot = turn.spots.get(node.id);
      if (spot === undefined) continue;
      for (const e of passing) spot.longestMs = Math.max(spot.longestMs, this.#lengthOf(view, e));
    }
  }

  /** How long the execution lasts in all, as far as anybody but the Scheduler can know. */
  #lengthOf({ now }: View, { id, nodeId, jobId, createdAt, desiredState }: ExecutionRecord): number {
    const age = now - createdAt / 1_000;
    if (desiredState === 'Stopped') return age + AROUND_A_TASK_MS;
    const script = this.#machines.get(nodeId)?.scripts.get(id);
    const limit = this.#rows.jobs.get(jobId)?.job.needs.executionTimeoutMs ?? 0;
    // Not begun yet: it will be known by the next look.
    const runMs = script === undefined ? 0 : (script.runMs ?? Infinity);
    return Math.max(age, Math.min(runMs, limit === 0 ? Infinity : limit) + (script?.pullMs ?? 0)) + AROUND_A_TASK_MS;
  }
}

/** Jobs that need the same of a node, and were declined by the same ones: one of them at a time may have a turn. */
function nameOf({ job, current }: Unended): string {
  const declined = current.filter((e) => e.computeState === 'AskForBidRejected').map((e) => e.nodeId);
  const { engine, constraints, resources } = job.needs;
  return JSON.stringify([engine, constraints, resources, [...new Set(declined)].sort()]);
}

function isReady(view: View, one: Unended): boolean {
  return standsInLine(one.job) && ripeAt(one.job) <= view.now && hasUnplaced(one);
}

/** The least of what may be said, by which nodes are taken for blocked by a task that lasts too long. */
function boundOf({ spots, others }: Turn): number {
  const lengths = [...spots.values()].map(({ longestMs }) => longestMs).sort((a, b) => a - b);
  // One that has been ripe for long may have a hold of half that time when its turn comes.
  const turns = [...others.values()].reduce((sum, ripeMs) => sum + 1 + Math.max(0, ripeMs) / LEAST_LENGTH_MS / 2, 1);
  const bounds = lengths.map((length, i) => {
    const blocked = lengths.length - 1 - i;
    return TIMES * Math.max(length, LEAST_LENGTH_MS) * 2 ** blocked * turns;
  });
  return Math.min(...bounds);
}
