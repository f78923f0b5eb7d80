import type { EpochMs, ExecutionId, NodeId } from '../../schema/ids.ts';
import { RETRY_BASE_MS, RETRY_MAX_MS } from '../../schema/limits.ts';
import type { ExecutionRecord } from '../../schema/records.ts';
import { msOf } from './clock.ts';
import { isLive, isStarted } from './execution.ts';

/** What the attempts at one partition add up to. */
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
 * The executions of one job version by partition, with the counts that decide the job's state. Everything in it follows
 * from execution rows, so it can be rebuilt from them in any order.
 */
export class Book {
  readonly count: number;
  completed = 0;
  live = 0;
  started = 0;
  /** Partitions from here on were never tried: a job of a hundred thousand partitions holds no list of them. */
  #fresh = 0;
  readonly #returned = new Set<number>();
  readonly #byPartition = new Map<number, Map<ExecutionId, ExecutionRecord>>();
  readonly #declined = new Map<ExecutionId, ExecutionRecord>();

  constructor(count: number) {
    this.count = count;
  }

  /** Takes the new row of an execution of this version. O(attempts at its partition). */
  record(execution: ExecutionRecord): void {
    let attempts = this.#byPartition.get(execution.partition);
    if (attempts === undefined) {
      attempts = new Map();
      this.#byPartition.set(execution.partition, attempts);
    }
    const before = attempts.get(execution.id);
    if (before !== undefined) this.#count(before, -1);
    attempts.set(execution.id, execution);
    if (execution.computeState === 'AskForBidRejected') this.#declined.set(execution.id, execution);
    this.#count(execution, 1);
    this.#settle(execution.partition);
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

  hasCompleted(partition: number): boolean {
    return this.#some(partition, (e) => e.computeState === 'Completed');
  }

  liveExecution(partition: number): ExecutionRecord | null {
    for (const execution of this.#byPartition.get(partition)?.values() ?? []) if (isLive(execution)) return execution;
    return null;
  }

  attempts(partition: number): Attempts {
    let failures = 0;
    let losses = 0;
    let permanent: ExecutionRecord | null = null;
    let last: ExecutionRecord | null = null;
    const lostNodes = new Set<NodeId>();
    const triedNodes = new Set<NodeId>();
    for (const e of this.#byPartition.get(partition)?.values() ?? []) {
      if (e.failureClass === null) continue;
      triedNodes.add(e.nodeId);
      if (last === null || e.modifiedAt > last.modifiedAt) last = e;
      if (e.failureClass === 'permanent') permanent = e;
      if (e.failureClass !== 'infrastructure') {
        failures += 1;
        continue;
      }
      losses += 1;
      if (e.runningSince === null) lostNodes.add(e.nodeId);
    }
    const retryAt = last === null ? 0 : retryTime(last, failures + losses);
    return { failures, losses, lostNodes, triedNodes, permanent, last, retryAt };
  }

  /** Executions of this version that a node declined. */
  declined(): Iterable<ExecutionRecord> {
    return this.#declined.values();
  }

  #some(partition: number, test: (e: ExecutionRecord) => boolean): boolean {
    for (const execution of this.#byPartition.get(partition)?.values() ?? []) if (test(execution)) return true;
    return false;
  }

  #count(execution: ExecutionRecord, by: 1 | -1): void {
    if (execution.computeState === 'Completed') this.completed += by;
    if (isLive(execution)) this.live += by;
    if (isStarted(execution)) this.started += by;
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
 * When a partition may be tried again: at once after the first loss of a node, else after a delay that doubles, spread
 * over half of itself. The spread comes from the execution's id, so that the time follows from the row alone.
 */
function retryTime(last: ExecutionRecord, tries: number): EpochMs {
  const firstLoss = last.failureClass === 'infrastructure' && tries === 1;
  if (firstLoss) return 0;
  const delay = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** (tries - 1));
  const spread = Number.parseInt(last.id.slice(2, 10), 16) / 0xffff_ffff;
  return msOf(last.modifiedAt) + Math.round(delay * (0.5 + spread / 2));
}
