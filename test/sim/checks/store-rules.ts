import type { ExecutionId, JobId, NodeId } from '../../../schema/ids.ts';
import type { ExecutionRecord, JobRecord } from '../../../schema/records.ts';
import { add, amountsOf, fits, NOTHING } from '../../../schema/amounts.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import type { Batch, CommitOutcome } from '../../../src/store/store.ts';
import type { Base } from '../world/base.ts';
import { checkJobState } from './job-rules.ts';
import { isLive, isOpen, slotKey } from './rows.ts';
import { checkExecutionStep, checkJobStep } from './step-rules.ts';

/** Promises that every committed batch must keep. Looks at changed rows alone, against the rows before. */
export class StoreRules {
  readonly #base: Base;
  readonly #rows: MemoryStore;
  /** Told of every execution that has just ended. */
  readonly #onEnd: (execution: ExecutionRecord) => void;
  readonly #live = new Map<string, Set<ExecutionId>>();
  readonly #completed = new Map<string, ExecutionId>();
  readonly #open = new Map<NodeId, Set<ExecutionId>>();

  constructor(base: Base, rows: MemoryStore, onEnd: (execution: ExecutionRecord) => void) {
    this.#base = base;
    this.#rows = rows;
    this.#onEnd = onEnd;
  }

  /** Writes the batch and looks at what it did. */
  commit(batch: Batch, write: () => CommitOutcome): CommitOutcome {
    const { changes } = batch;
    const jobs = new Map([...changes.jobs.keys()].map((id) => [id, this.#rows.jobs.get(id)?.job]));
    const executions = new Map(
      [...changes.executions.keys()].map((id) => [id, this.#rows.executions.get(id)?.execution]),
    );
    const outcome = write();
    this.#base.totals.count(`commit ${outcome.type}`);
    this.#base.trace.line(`commit ${batch.commitSeq} ${outcome.type}, epoch ${batch.epoch}`);
    if (outcome.type !== 'committed') return outcome;
    const touched = new Set<JobId>(changes.jobs.keys());
    for (const [id, before] of executions) {
      const after = this.#rows.executions.get(id)?.execution;
      if (after === undefined) continue;
      touched.add(after.jobId);
      this.#checkExecution(before, after);
    }
    this.#checkCapacity([...executions].flatMap(([id, before]) => (before === undefined ? [id] : [])));
    for (const [id, before] of jobs) this.#checkJob(before, id);
    for (const id of touched) this.#checkFunction(id);
    return outcome;
  }

  /** Executions that the store says are charged to the node. */
  openOn(nodeId: NodeId): ReadonlySet<ExecutionId> {
    return this.#open.get(nodeId) ?? new Set();
  }

  #checkExecution(before: ExecutionRecord | undefined, after: ExecutionRecord): void {
    const from = before?.computeState ?? 'New';
    if (before?.computeState !== after.computeState) {
      this.#base.totals.count(`execution ${before?.computeState ?? 'none'} -> ${after.computeState}`);
      this.#base.trace.line(`${after.id.slice(0, 10)} ${from} -> ${after.computeState} ${after.computeMessage}`);
    }
    if (after.fenced && before?.fenced !== true) this.#base.totals.count('execution fenced');
    if (after.fenced && after.computeState === 'Completed') this.#base.totals.count('execution fenced, then Completed');
    const wrong = before === undefined ? null : checkExecutionStep(before, after);
    if (wrong !== null) this.#violate(wrong, after);
    this.#index(after);
    const key = this.#slot(after);
    if ((this.#live.get(key)?.size ?? 0) > 1) this.#violate('[3] two live executions', after);
    const isKeptUp = ['service', 'daemon'].includes(this.#rows.jobs.get(after.jobId)?.job.type ?? '');
    if (after.computeState === 'Completed' && !isKeptUp) {
      const other = this.#completed.get(key);
      if (other !== undefined && other !== after.id) this.#violate('[3] two Completed executions', after);
      this.#completed.set(key, after.id);
    }
    if (isOpen(after) || (before !== undefined && !isOpen(before))) return;
    this.#onEnd(after);
  }

  #slot(execution: ExecutionRecord): string {
    return slotKey(this.#rows.jobs.get(execution.jobId)?.job, execution);
  }

  #index(execution: ExecutionRecord): void {
    const { id, nodeId } = execution;
    put(this.#live, this.#slot(execution), { id, isIn: isLive(execution) });
    put(this.#open, nodeId, { id, isIn: isOpen(execution) });
  }

  /** What is charged to a node that was given something must fit what it offers. */
  #checkCapacity(created: readonly ExecutionId[]): void {
    const nodes = new Set<NodeId>();
    for (const id of created) {
      const execution = this.#rows.executions.get(id)?.execution;
      if (execution !== undefined && isOpen(execution)) nodes.add(execution.nodeId);
    }
    for (const nodeId of nodes) {
      const node = this.#rows.nodes.get(nodeId);
      if (node === undefined) {
        this.#base.violate(`[8] an execution was placed on ${nodeId}, which is not known`);
        continue;
      }
      if (node.membership !== 'APPROVED') {
        this.#base.violate(`[8] an execution was placed on ${nodeId}, which is ${node.membership}`);
      }
      let charged = NOTHING;
      for (const id of this.openOn(nodeId)) {
        const execution = this.#rows.executions.get(id)?.execution;
        if (execution !== undefined) charged = add(charged, amountsOf(execution.resources));
      }
      if (!fits(charged, amountsOf(node.info.capacity))) {
        this.#base.violate(`[4] ${nodeId} is over-committed: ${JSON.stringify(charged)}`);
      }
    }
  }

  #checkJob(before: JobRecord | undefined, id: JobId): void {
    const stored = this.#rows.jobs.get(id);
    if (stored === undefined) return this.#base.violate(`[1] job ${id} vanished`);
    const { job } = stored;
    if (before?.state !== job.state) {
      this.#base.totals.count(`job ${before?.state ?? 'none'} -> ${job.state}`);
      this.#base.trace.line(`${job.name} ${before?.state ?? 'none'} -> ${job.state} ${job.stateMessage}`);
    }
    const events = this.#rows.events.get(id) ?? [];
    if (events.length !== job.eventSeq || events.at(-1)?.seq !== job.eventSeq) {
      this.#base.violate(`[5] ${job.name} has ${events.length} events and counts ${job.eventSeq}`);
    }
    if (before === undefined) return;
    const wrong = checkJobStep(before, job);
    if (wrong !== null) this.#base.violate(`${wrong}: ${job.name}`);
  }

  #checkFunction(id: JobId): void {
    const stored = this.#rows.jobs.get(id);
    if (stored === undefined) return;
    const executions = this.#rows.executionsOf(id, stored.job.version);
    const wrong = checkJobState(stored, executions);
    if (wrong !== null) this.#base.violate(`[5] ${stored.job.name} v${stored.job.version}: ${wrong}`);
  }

  #violate(what: string, execution: ExecutionRecord): void {
    this.#base.violate(`${what}: ${execution.id.slice(0, 10)} of ${execution.jobId.slice(0, 10)}`);
  }
}

function put<K>(sets: Map<K, Set<ExecutionId>>, key: K, { id, isIn }: { id: ExecutionId; isIn: boolean }): void {
  const set = sets.get(key);
  if (set === undefined) {
    if (isIn) sets.set(key, new Set([id]));
  } else if (isIn) set.add(id);
  else set.delete(id);
}
