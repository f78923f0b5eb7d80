import type { EpochMs, ExecutionId, JobId, NodeId } from '../../schema/ids.ts';
import { JobSpec } from '../../schema/job/job.ts';
import {
  NO_RESERVATIONS,
  type EventRecord,
  type ExecutionRecord,
  type JobRecord,
  type NodeRecord,
  type RunOutput,
} from '../../schema/records.ts';
import { isOpen } from '../core/execution.ts';
import type { CommandRow, NewVersion, Superseded } from '../core/turn.ts';
import type { Loaded } from '../core/world.ts';
import { specKey, type Batch, type CommitOutcome, type FenceRow, type JobNameKey } from './store.ts';
import type { SpecKey, Store, TokenKey, TokenUse } from './store.ts';

/** A row of `jobs`. */
export interface StoredJob {
  readonly job: JobRecord;
  readonly active: boolean;
}

/** A row of `executions`. */
export interface StoredExecution {
  readonly execution: ExecutionRecord;
  readonly output: RunOutput | null;
}

/** A row of `job_versions`; how it stood is known once a newer version took over. */
export interface StoredVersion extends NewVersion {
  readonly stood: Superseded | null;
}

/** Commands that had expired and go in one batch. */
const MAX_EXPIRED = 100;

const NO_FENCE: FenceRow = {
  epoch: 0,
  commitSeq: 0,
  commitId: '',
  nextWake: 0,
  clock: 0,
  reservations: NO_RESERVATIONS,
};

/**
 * The store in memory, for simulations: the same contract as D1, held to it by the same suite. Rows are kept by
 * reference, which is safe because records are replaced and never changed. Public tables are for tests to read.
 */
export class MemoryStore implements Store {
  readonly fences = new Map<string, FenceRow>();
  readonly jobs = new Map<JobId, StoredJob>();
  readonly versions = new Map<string, StoredVersion>();
  readonly executions = new Map<ExecutionId, StoredExecution>();
  readonly events = new Map<JobId, EventRecord[]>();
  readonly nodes = new Map<NodeId, NodeRecord>();
  readonly commands = new Map<string, CommandRow & { readonly cell: string }>();
  readonly #byName = new Map<string, JobId>();
  readonly #byToken = new Map<string, string>();
  readonly #ofJob = new Map<JobId, Set<ExecutionId>>();

  async open(cell: string, now: EpochMs): Promise<{ loaded: Loaded; fence: FenceRow }> {
    const known = this.fences.get(cell) ?? NO_FENCE;
    const fence: FenceRow = { ...known, epoch: Math.max(known.epoch + 1, now) };
    this.fences.set(cell, fence);
    return { loaded: this.load(cell, fence), fence };
  }

  /** What is active, as the rows stand. */
  load(cell: string, { epoch, clock, reservations }: FenceRow): Loaded {
    const active = [...this.jobs.values()].filter(({ job, active }) => active && job.cell === cell);
    const jobs = active.map(({ job }) => job).sort(by((job) => job.id));
    const executions = jobs.flatMap((job) => this.executionsOf(job.id, job.version)).sort(by((e) => e.createdAt));
    const nodes = [...this.nodes.values()].filter((node) => node.cell === cell).sort(by((node) => node.id));
    return { cell, epoch, clock, reservations, jobs, executions, nodes };
  }

  async commit(batch: Batch): Promise<CommitOutcome> {
    return this.commitNow(batch);
  }

  /** All or nothing, at once. */
  commitNow(batch: Batch): CommitOutcome {
    const { cell, changes } = batch;
    const fence = this.fences.get(cell);
    if (fence === undefined || fence.epoch !== batch.epoch || fence.commitSeq !== batch.commitSeq) {
      return { type: 'guarded' };
    }
    const clash = this.#clash([...changes.jobs.values()]);
    if (clash !== null) return { type: 'refused', reason: clash };
    const again = changes.commands.find(({ id }) => this.commands.has(id));
    if (again !== undefined) return { type: 'refused', reason: `UNIQUE constraint failed: commands.id (${again.id})` };
    const { commitId, nextWake, clock, reservations } = batch;
    const commitSeq = fence.commitSeq + 1;
    this.fences.set(cell, { epoch: fence.epoch, commitSeq, commitId, nextWake, clock, reservations });
    for (const job of changes.jobs.values()) this.#putJob(job, !changes.inactive.has(job.id));
    for (const stood of changes.superseded) this.#supersede(stood);
    for (const version of changes.versions) this.#putVersion(version);
    for (const { execution, output } of changes.executions.values()) this.#putExecution(execution, output);
    for (const event of changes.events) this.#putEvent(event);
    for (const node of changes.nodes.values()) this.nodes.set(node.id, node);
    for (const nodeId of changes.forgottenNodes) this.nodes.delete(nodeId);
    for (const command of changes.commands) this.#putCommand({ ...command, cell }, batch.now);
    if (changes.commands.length > 0) this.#dropExpired(cell, batch.now);
    return { type: 'committed', databaseBytes: 0, pruned: this.#prune(batch) };
  }

  async readFence(cell: string): Promise<FenceRow | null> {
    return this.fences.get(cell) ?? null;
  }

  async findJobs(ids: readonly JobId[], names: readonly JobNameKey[]): Promise<readonly JobRecord[]> {
    const named = names.map(({ namespace, name }) => this.#byName.get(nameKey(namespace, name)));
    return [...ids, ...named].flatMap((id) => (id === undefined ? [] : (this.jobs.get(id)?.job ?? [])));
  }

  async findCommands(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return new Map(
      ids.flatMap((id): [string, string][] => {
        const command = this.commands.get(id);
        return command === undefined ? [] : [[id, command.answer]];
      }),
    );
  }

  async findTokens(keys: readonly TokenKey[], now: EpochMs): Promise<readonly TokenUse[]> {
    return keys.flatMap(({ namespace, token }): TokenUse[] => {
      const { requestHash = null, answer, expiresAt } = this.#tokenUse(namespace, token) ?? {};
      const counts = requestHash !== null && answer !== undefined && (expiresAt ?? 0) >= now;
      return counts ? [{ namespace, token, requestHash, answer }] : [];
    });
  }

  async orchestratorId(): Promise<string> {
    return 'n-orchestrator';
  }

  async findSpecs(keys: readonly SpecKey[]): Promise<ReadonlyMap<string, JobSpec>> {
    return new Map(
      keys.flatMap((key): [string, JobSpec][] => {
        const version = this.versions.get(specKey(key));
        return version === undefined ? [] : [[specKey(key), JobSpec.parse(JSON.parse(version.spec))]];
      }),
    );
  }

  /** The job's executions that are of this version or not over. */
  executionsOf(jobId: JobId, version: number): ExecutionRecord[] {
    const rows: ExecutionRecord[] = [];
    for (const id of this.#ofJob.get(jobId) ?? []) {
      const execution = this.executions.get(id)?.execution;
      if (execution !== undefined && (execution.jobVersion === version || isOpen(execution))) rows.push(execution);
    }
    return rows;
  }

  /** What would break the table's own rules: two jobs of one name in a namespace. */
  #clash(jobs: readonly JobRecord[]): string | null {
    const names = new Map<string, JobId>();
    for (const { id, namespace, name } of jobs) {
      const key = nameKey(namespace, name);
      const owner = names.get(key) ?? this.#byName.get(key);
      if (owner !== undefined && owner !== id) return 'UNIQUE constraint failed: jobs.namespace, jobs.name';
      names.set(key, id);
    }
    return null;
  }

  #putJob(job: JobRecord, active: boolean): void {
    this.jobs.set(job.id, { job, active });
    this.#byName.set(nameKey(job.namespace, job.name), job.id);
  }

  #supersede(stood: Superseded): void {
    const key = specKey(stood);
    const version = this.versions.get(key);
    if (version !== undefined) this.versions.set(key, { ...version, stood });
  }

  #putVersion(version: NewVersion): void {
    const key = specKey(version);
    if (!this.versions.has(key)) this.versions.set(key, { ...version, stood: null });
  }

  #putExecution(execution: ExecutionRecord, output: RunOutput | null): void {
    const stored = this.executions.get(execution.id);
    this.executions.set(execution.id, { execution, output: output ?? stored?.output ?? null });
    if (stored !== undefined) return;
    const ids = this.#ofJob.get(execution.jobId);
    if (ids === undefined) this.#ofJob.set(execution.jobId, new Set([execution.id]));
    else ids.add(execution.id);
  }

  /** An expired use of the same token goes first, as in D1. */
  #putCommand(command: CommandRow & { readonly cell: string }, now: EpochMs): void {
    const { namespace, token } = command;
    if (namespace !== null && token !== null) {
      const earlier = this.#tokenUse(namespace, token);
      if (earlier !== undefined && earlier.expiresAt < now) this.commands.delete(earlier.id);
      this.#byToken.set(nameKey(namespace, token), command.id);
    }
    this.commands.set(command.id, command);
  }

  #tokenUse(namespace: string, token: string): CommandRow | undefined {
    return this.commands.get(this.#byToken.get(nameKey(namespace, token)) ?? '');
  }

  #putEvent(event: EventRecord): void {
    const events = this.events.get(event.jobId);
    if (events === undefined) this.events.set(event.jobId, [event]);
    else if ((events.at(-1)?.seq ?? 0) < event.seq || !events.some(({ seq }) => seq === event.seq)) events.push(event);
  }

  #prune({ cell, prune }: Batch): number {
    if (prune === null) return 0;
    const old = [...this.jobs.values()].filter(
      ({ job, active }) => job.cell === cell && !active && job.modifiedAt < prune.before,
    );
    const pruned = old.sort(by(({ job }) => job.modifiedAt)).slice(0, prune.limit);
    for (const { job } of pruned) this.#deleteJob(job);
    return pruned.length;
  }

  #deleteJob({ id, namespace, name, version }: JobRecord): void {
    for (let v = 1; v <= version; v++) this.versions.delete(specKey({ jobId: id, version: v }));
    for (const executionId of this.#ofJob.get(id) ?? []) this.executions.delete(executionId);
    this.#ofJob.delete(id);
    this.events.delete(id);
    this.jobs.delete(id);
    this.#byName.delete(nameKey(namespace, name));
  }

  #dropExpired(cell: string, now: EpochMs): void {
    const expired = [...this.commands.values()].filter((c) => c.cell === cell && c.expiresAt < now);
    for (const { id } of expired.sort(by((c) => c.expiresAt)).slice(0, MAX_EXPIRED)) this.commands.delete(id);
  }
}

function by<T>(key: (row: T) => string | number): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
}

function nameKey(namespace: string, name: string): string {
  return `${namespace}\0${name}`;
}
