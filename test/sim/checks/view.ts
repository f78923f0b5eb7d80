import type { ExecutionId } from '../../../schema/ids.ts';
import { RESERVE_AFTER_MS } from '../../../schema/limits.ts';
import type { ExecutionRecord, JobRecord, NodeRecord } from '../../../schema/records.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import { add, amountsOf, fits, NOTHING, subtract, type Amounts } from '../../../schema/amounts.ts';
import { whyNever } from '../../../src/core/placement/filters.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import type { Machine } from '../world/machine.ts';
import { isLive } from './rows.ts';
import type { StoreRules } from './store-rules.ts';

/** What a node has at one moment. */
export interface Spot {
  readonly node: NodeRecord;
  readonly isConnected: boolean;
  readonly capacity: Amounts;
  /** What is not charged to anybody. */
  readonly free: Amounts;
  /** What waiting brings back: all but what live executions of service and daemon jobs hold. */
  readonly lasting: Amounts;
  /** Charged executions, without the live ones of service and daemon jobs. */
  readonly passing: readonly ExecutionRecord[];
  /** Live executions of service and daemon jobs. */
  readonly endless: readonly ExecutionRecord[];
}

/** A job that has not ended, with what became of its newest version so far. */
export interface Unended {
  readonly job: JobRecord;
  /** Of this version, among all jobs. */
  readonly key: string;
  readonly need: Amounts;
  /** Of every version that is not over. */
  readonly executions: readonly ExecutionRecord[];
  /** Of the newest version. */
  readonly current: readonly ExecutionRecord[];
}

/** Who waits and what there is at one moment, from the committed rows alone. */
export class View {
  readonly now: number;
  readonly spots: readonly Spot[];
  readonly jobs: readonly Unended[];
  readonly #rows: MemoryStore;
  readonly #couldTake = new Map<Unended, ReadonlySet<Spot>>();

  constructor(now: number, rows: MemoryStore, rules: StoreRules, machines: ReadonlyMap<string, Machine>) {
    this.now = now;
    this.#rows = rows;
    this.spots = [...rows.nodes.values()].map((node) => {
      const isConnected = machines.get(node.id)?.isConnected === true && node.connection === 'CONNECTED';
      return spotOf(rows, node, { isConnected, open: rules.openOn(node.id) });
    });
    this.jobs = [...rows.jobs.values()]
      .filter(({ job, active }) => active && !isTerminalJobState(job.state))
      .map(({ job }) => {
        const executions = rows.executionsOf(job.id, job.version);
        const current = executions.filter((e) => e.jobVersion === job.version);
        return { job, key: `${job.id}/${job.version}`, need: amountsOf(job.needs.resources), executions, current };
      });
  }

  /** Nodes that could take the job if all that ends had ended. */
  couldTake(one: Unended): ReadonlySet<Spot> {
    let spots = this.#couldTake.get(one);
    if (spots === undefined) {
      spots = new Set(this.spots.filter((spot) => fits(one.need, spot.lasting) && this.suits(spot, one)));
      this.#couldTake.set(one, spots);
    }
    return spots;
  }

  /** The node has not declined either: nothing but room may be missing. */
  suits(spot: Spot, one: Unended): boolean {
    return this.#offers(spot, one) && !hasDeclined(spot.node, one.current);
  }

  /** By the Scheduler's own word the node is here and of the right kind, whatever else runs there. */
  offering(one: Unended): readonly Spot[] {
    return this.spots.filter((spot) => this.#offers(spot, one));
  }

  isOfService({ jobId }: ExecutionRecord): boolean {
    return this.#rows.jobs.get(jobId)?.job.type === 'service';
  }

  #offers({ node, isConnected, free }: Spot, { job }: Unended): boolean {
    return whyNever({ node, connected: isConnected, free, openCount: 0 }, job.needs) === null;
  }
}

/** It said no to this version, and has neither changed nor come back since. */
export function hasDeclined({ id, modifiedAt }: NodeRecord, executions: readonly ExecutionRecord[]): boolean {
  return executions.some((e) => e.nodeId === id && e.computeState === 'AskForBidRejected' && e.modifiedAt > modifiedAt);
}

/** Batch and service jobs stand in line for a node; the others run on every one. */
export function standsInLine({ type }: JobRecord): boolean {
  return type === 'batch' || type === 'service';
}

/** Higher priority first, then who waited longer, then the id. */
export function isBefore(a: JobRecord, b: JobRecord): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.versionAt !== b.versionAt) return a.versionAt < b.versionAt;
  return a.id < b.id;
}

/** From when on a node may be kept free for the job. */
export function ripeAt({ versionAt }: JobRecord): number {
  return versionAt + RESERVE_AFTER_MS;
}

/** Some partition has nothing that runs, whether its next attempt is due or not. */
export function hasUnplaced({ job, current }: Unended): boolean {
  const held = new Set(current.filter((e) => isLive(e) || isDone(job, e)).map((e) => e.partition));
  return held.size < job.count;
}

function isDone({ type }: JobRecord, { computeState }: ExecutionRecord): boolean {
  return type === 'batch' && computeState === 'Completed';
}

export function sumOf(executions: readonly ExecutionRecord[]): Amounts {
  return executions.reduce((sum, e) => add(sum, amountsOf(e.resources)), NOTHING);
}

function spotOf(
  rows: MemoryStore,
  node: NodeRecord,
  { isConnected, open }: { readonly isConnected: boolean; readonly open: Iterable<ExecutionId> },
): Spot {
  const passing: ExecutionRecord[] = [];
  const endless: ExecutionRecord[] = [];
  for (const id of open) {
    const execution = rows.executions.get(id)?.execution;
    if (execution === undefined) continue;
    const type = rows.jobs.get(execution.jobId)?.job.type;
    const isEndless = isLive(execution) && (type === 'service' || type === 'daemon');
    (isEndless ? endless : passing).push(execution);
  }
  const capacity = amountsOf(node.info.capacity);
  const lasting = subtract(capacity, sumOf(endless));
  return { node, isConnected, capacity, free: subtract(lasting, sumOf(passing)), lasting, passing, endless };
}
