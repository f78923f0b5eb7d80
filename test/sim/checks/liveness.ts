import type { ExecutionId, JobId } from '../../../schema/ids.ts';
import { RESERVE_AFTER_MS, RETRY_MAX_MS } from '../../../schema/limits.ts';
import type { ExecutionRecord, JobRecord, NodeRecord } from '../../../schema/records.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import { add, amountsOf, fits, NOTHING, subtract } from '../../../src/core/amounts.ts';
import { whyNever } from '../../../src/core/placement/filters.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import type { Base } from '../world/base.ts';
import type { Machine } from '../world/machine.ts';
import { isLive } from './rows.ts';
import type { StoreRules } from './store-rules.ts';

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
  readonly #waiting = new Map<JobId | ExecutionId, number>();

  constructor(base: Base, rows: MemoryStore, rules: StoreRules, machines: ReadonlyMap<string, Machine>) {
    this.#base = base;
    this.#rows = rows;
    this.#rules = rules;
    this.#machines = machines;
  }

  /** Looks at every job that has not ended; call it once a second. */
  look(): void {
    const now = this.#base.timeline.now;
    const still = new Set<JobId | ExecutionId>();
    for (const { job, active } of this.#rows.jobs.values()) {
      if (!active || isTerminalJobState(job.state)) continue;
      this.#checkDeadlines(job);
      const executions = this.#rows.executionsOf(job.id, job.version);
      for (const e of executions) if (isLive(e) && e.computeState === 'New') still.add(e.id);
      if (this.#couldStart(job, executions)) still.add(job.id);
    }
    for (const id of this.#waiting.keys()) if (!still.has(id)) this.#waiting.delete(id);
    for (const id of still) {
      const since = this.#waiting.get(id) ?? now;
      this.#waiting.set(id, since);
      if (now - since > START_MS)
        this.#base.violate(`[6] ${id.slice(0, 10)} waits since ${since} although it could start`);
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

  /** Some slot of the job waits for nothing but a node, and there is one. */
  #couldStart(job: JobRecord, executions: readonly ExecutionRecord[]): boolean {
    const current = executions.filter((e) => e.jobVersion === job.version);
    const declined = new Set(current.filter((e) => e.computeState === 'AskForBidRejected').map((e) => e.nodeId));
    const nodes = [...this.#rows.nodes.values()].filter((node) => !declined.has(node.id) && this.#hasRoom(node, job));
    if (job.type === 'ops' || job.type === 'daemon') {
      return nodes.some((node) =>
        this.#isUnserved(
          job,
          current.filter((e) => e.nodeId === node.id),
        ),
      );
    }
    const kept = this.#isOutrun(job) ? 1 : 0;
    if (nodes.length <= kept) return false;
    // A service replaces its old copies in its own time.
    if (executions.some((e) => e.jobVersion !== job.version && isLive(e))) return false;
    const partitions = Array.from({ length: job.count }, (_, partition) => partition);
    return partitions.some((partition) =>
      this.#isUnserved(
        job,
        current.filter((e) => e.partition === partition),
      ),
    );
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

  /** One node may be kept free for a job that comes before this one and has waited long. */
  #isOutrun(job: JobRecord): boolean {
    const ripe = this.#base.timeline.now - RESERVE_AFTER_MS;
    for (const { job: other, active } of this.#rows.jobs.values()) {
      if (!active || other.id === job.id || isTerminalJobState(other.state) || other.versionAt > ripe) continue;
      if (other.priority > job.priority || (other.priority === job.priority && other.versionAt <= job.versionAt))
        return true;
    }
    return false;
  }

  #hasRoom(node: NodeRecord, job: JobRecord): boolean {
    const connected = this.#machines.get(node.id)?.isConnected === true && node.connection === 'CONNECTED';
    if (whyNever({ node, connected, free: amountsOf(node.info.capacity) }, job.needs) !== null) return false;
    let charged = NOTHING;
    for (const id of this.#rules.openOn(node.id)) {
      const execution = this.#rows.executions.get(id)?.execution;
      if (execution !== undefined) charged = add(charged, amountsOf(execution.resources));
    }
    return fits(amountsOf(job.needs.resources), subtract(amountsOf(node.info.capacity), charged));
  }
}
