import { backoffMs } from '../../schema/backoff.ts';
import type { EpochMs, ExecutionId, NodeId } from '../../schema/ids.ts';
import { RAN_WELL_MS, RETRY_BASE_MS, RETRY_MAX_MS } from '../../schema/limits.ts';
import type { ExecutionRecord } from '../../schema/records.ts';
import { runsOnEveryNode, type JobType } from '../../schema/states.ts';
import { msOf } from './clock.ts';
import { isLive, isRunning, isStarted } from './execution.ts';

const RETRY = { firstMs: RETRY_BASE_MS, mostMs: RETRY_MAX_MS };

/**
 * What one execution is for: a partition of a batch or service job, a node of an ops or daemon job. At most one live
 * execution a slot.
 */
export type Slot = number | NodeId;

export function slotOf(type: JobType, execution: ExecutionRecord): Slot {
  return runsOnEveryNode(type) ? execution.nodeId : execution.partition;
}

/** What the attempts at one slot add up to. */
export interface Attempts {
  /** Failures of the environment or permanent ones: these spend the user's attempts. */
  readonly failures: number;
  /** Failures of the infrastructure. */
  readonly losses: number;
  /** Nodes lost before the task had started. */
  readonly lostNodes: ReadonlySet<NodeId>;
  /** Nodes with some failed attempt: another one is tried first. */
  readonly triedNodes: ReadonlySet<NodeId>;
  readonly permanent: ExecutionRecord | null;
  readonly last: ExecutionRecord | null;
  /** No attempt before this time; 0 when there is nothing to wait for. */
  readonly retryAt: EpochMs;
}

/**
 * The executions of one job version by slot, with the counts that decide the job's state. Everything in it follows from
 * execution rows, so it can be rebuilt from them in any order.
 */
export class Book {
  readonly type: JobType;
  /** Partitions; 0 for ops and daemon. */
  readonly count: number;
  completed = 0;
  live = 0;
  started = 0;
  /** Live ones whose task runs. */
  running = 0;
  /** Partitions from here on were never tried: a job of a hundred thousand partitions holds no list of them. */
  #fresh = 0;
  readonly #returned = new Set<number>();
  readonly #bySlot = new Map<Slot, Map<ExecutionId, ExecutionRecord>>();
  readonly #declined = new Map<ExecutionId, ExecutionRecord>();

  constructor(type: JobType, count: number) {
    this.type = type;
    this.count = count;
  }

  /** Takes the new row of an execution of this version. O(attempts at its slot). */
  record(execution: ExecutionRecord): void {
    const slot = slotOf(this.type, execution);
    let attempts = this.#bySlot.get(slot);
    if (attempts === undefined) {
      attempts = new Map();
      this.#bySlot.set(slot, attempts);
    }
    const before = attempts.get(execution.id);
    if (before !== undefined) this.#count(before, -1);
    attempts.set(execution.id, execution);
    if (execution.computeState === 'AskForBidRejected') this.#declined.set(execution.id, execution);
    this.#count(execution, 1);
    if (typeof slot === 'number') this.#settle(slot);
  }

  /** Forgets an ended execution that no decision depends on any more. */
  drop(execution: ExecutionRecord): void {
    const attempts = this.#bySlot.get(slotOf(this.type, execution));
    if (attempts?.delete(execution.id) === true) this.#count(execution, -1);
    this.#declined.delete(execution.id);
  }

  /** Partitions that are neither completed nor live, lowest first. */
  *unplaced(): Generator<number> {
    for (const partition of [...this.#returned].sort((a, b) => a - b)) yield partition;
    for (let partition = this.#fresh; partition < this.count; partition++) yield partition;
  }

  get unplacedCount(): number {
    return this.#returned.size + Math.max(0, this.count - this.#fresh);
  }

  isUnplaced(partition: number): boolean {
    return this.#returned.has(partition) || (partition >= this.#fresh && partition < this.count);
  }

  /** Slots that have had an execution. */
  slots(): Iterable<Slot> {
    return this.#bySlot.keys();
  }

  hasCompleted(slot: Slot): boolean {
    return this.#some(slot, (e) => e.computeState === 'Completed');
  }

  liveExecution(slot: Slot): ExecutionRecord | null {
    for (const execution of this.#bySlot.get(slot)?.values() ?? []) if (isLive(execution)) return execution;
    return null;
  }

  attempts(slot: Slot): Attempts {
    let failures = 0;
    let losses = 0;
    let permanent: ExecutionRecord | null = null;
    const lostNodes = new Set<NodeId>();
    const triedNodes = new Set<NodeId>();
    const failed = [...(this.#bySlot.get(slot)?.values() ?? [])].filter((e) => e.failureClass !== null);
    for (const e of failed) {
      triedNodes.add(e.nodeId);
      if (e.failureClass === 'permanent') permanent = e;
      if (e.failureClass !== 'infrastructure') failures += 1;
      else {
        losses += 1;
        if (e.runningSince === null) lostNodes.add(e.nodeId);
      }
    }
    const last = failed.reduce<ExecutionRecord | null>(
      (a, b) => (a === null || b.modifiedAt > a.modifiedAt ? b : a),
      null,
    );
    return { failures, losses, lostNodes, triedNodes, permanent, last, retryAt: retryTime(failed, last) };
  }

  /** Executions of this version that a node declined. */
  declined(): Iterable<ExecutionRecord> {
    return this.#declined.values();
  }

  #some(slot: Slot, test: (e: ExecutionRecord) => boolean): boolean {
    for (const execution of this.#bySlot.get(slot)?.values() ?? []) if (test(execution)) return true;
    return false;
  }

  #count(execution: ExecutionRecord, by: 1 | -1): void {
    if (execution.computeState === 'Completed') this.completed += by;
    if (!isLive(execution)) return;
    this.live += by;
    if (isStarted(execution)) this.started += by;
    if (isRunning(execution)) this.running += by;
  }

  /** Keeps the list of partitions that want an execution. */
  #settle(partition: number): void {
    // Partitions that were jumped over were never tried either.
    for (; this.#fresh < Math.min(partition, this.count); this.#fresh++) this.#returned.add(this.#fresh);
    this.#fresh = Math.max(this.#fresh, Math.min(partition + 1, this.count));
    const held = this.#some(partition, (e) => e.computeState === 'Completed' || isLive(e));
    if (held || partition >= this.count) this.#returned.delete(partition);
    else this.#returned.add(partition);
  }
}

/**
 * When a slot may be tried again: at once after the first loss of a node, else after a delay that doubles with each
 * failure in a row, spread over half of itself. An attempt whose task ran well for a while ends the row. The spread comes
 * from the execution's id, so that the time follows from the rows alone.
 */
function retryTime(failed: readonly ExecutionRecord[], last: ExecutionRecord | null): EpochMs {
  if (last === null) return 0;
  const inOrder = [...failed].sort((a, b) => a.modifiedAt - b.modifiedAt);
  const lastGood = inOrder.findLastIndex((e) => ranWell(e));
  const row = inOrder.length - Math.max(0, lastGood);
  if (last.failureClass === 'infrastructure' && row === 1) return 0;
  const delay = backoffMs(RETRY, row - 1);
  const spread = Number.parseInt(last.id.slice(2, 10), 16) / 0xffff_ffff;
  return msOf(last.modifiedAt) + Math.round(delay * (0.5 + spread / 2));
}

function ranWell(execution: ExecutionRecord): boolean {
  return execution.runningSince !== null && msOf(execution.modifiedAt) - execution.runningSince >= RAN_WELL_MS;
}
