import type { EpochMs, EpochUs, ExecutionId, JobId, NodeId } from '../../schema/ids.ts';
import type { ExecutionRecord, JobRecord, NodeRecord, Reservations } from '../../schema/records.ts';
import { isKeptUp, isTerminalJobState, runsOnEveryNode } from '../../schema/states.ts';
import { Book } from './book.ts';
import { isLive, isOpen } from './execution.ts';
import { Interner } from './interner.ts';
import { Suitability } from './placement/suitability.ts';
import { Rooms, type Room } from './rooms.ts';
import { Timers } from './timers.ts';
import { WaitQueue } from './wait-queue.ts';

/** One socket of a node that has said hello. The newest one owns the node. */
export interface Session {
  readonly id: string;
  readonly nodeId: NodeId;
  readonly agentInstance: string;
  readonly connectedAt: EpochMs;
}

/** What the store gives back at the start: active jobs with their executions, and all nodes. */
export interface Loaded {
  readonly cell: string;
  readonly epoch: number;
  readonly clock: EpochUs;
  readonly jobs: readonly JobRecord[];
  readonly executions: readonly ExecutionRecord[];
  readonly nodes: readonly NodeRecord[];
  readonly reservations: Reservations;
}

/**
 * Everything the Scheduler knows, in memory: the rows of what is active, and indexes that follow from them. The one
 * mutable thing of the core; only `putJob`, `putExecution`, `putNode` and `forget` write rows, so indexes cannot drift.
 */
export class World {
  readonly cell: string;
  readonly epoch: number;
  /** The last row time handed out. */
  clock: EpochUs;
  /** Nobody is declared lost sooner than lease and grace after this. */
  startedAt: EpochMs = 0;

  readonly jobs = new Map<JobId, JobRecord>();
  readonly executions = new Map<ExecutionId, ExecutionRecord>();
  readonly nodes = new Map<NodeId, NodeRecord>();
  readonly sessions = new Map<NodeId, Session>();
  /** Which process of an agent spoke last for a node, and when that changed. */
  readonly instances = new Map<NodeId, { readonly instance: string; readonly changes: readonly EpochMs[] }>();
  /** When each node's sessions of the last minute began. */
  readonly greetings = new Map<NodeId, readonly EpochMs[]>();
  /** Nodes that missed a deadline and have been silent since: placed on only when nothing else is left. */
  readonly lastChoice = new Set<NodeId>();
  readonly queue = new WaitQueue();
  /** Ops and daemon jobs: matching nodes without an execution that are busy, and how many whose time has not come yet. */
  readonly fanOutWaiting = new Map<JobId, { readonly busy: ReadonlySet<NodeId>; readonly later: number }>();
  /** Replaced whenever it changes, so that a commit can tell. */
  reservations: Reservations;
  /** Nodes that got room, or changed, since the queue was last offered what they have. */
  readonly offered = new Set<NodeId>();
  /** Of them those that ops and daemon jobs have not been offered. */
  readonly newlyOffered = new Set<NodeId>();
  readonly suitability = new Suitability();
  readonly timers = new Timers();
  /** The rooms for which reservations were last settled; see `roomsVersion`. */
  reservedFor = -1;
  /** When reasons why jobs wait were last written anew, and when nodes were last looked through for those long gone. */
  reasonsAt: EpochMs = 0;
  forgotAt: EpochMs = 0;

  /** Active ops and daemon jobs: looked at whenever nodes change. */
  readonly fanOuts = new Set<JobId>();

  readonly #interner = new Interner();
  readonly #books = new Map<JobId, Book>();
  /** By namespace, then name. */
  readonly #jobByName = new Map<string, Map<string, JobId>>();
  readonly #ofJob = new Map<JobId, Set<ExecutionId>>();
  readonly #openOfNode = new Map<NodeId, Set<ExecutionId>>();
  readonly #rooms = new Rooms();

  constructor(loaded: Loaded) {
    this.cell = loaded.cell;
    this.epoch = loaded.epoch;
    this.clock = loaded.clock;
    this.reservations = loaded.reservations;
    for (const node of loaded.nodes) this.putNode(node);
    for (const job of loaded.jobs) this.putJob(job);
    for (const execution of loaded.executions) this.putExecution(execution);
  }

  job(id: JobId): JobRecord | null {
    return this.jobs.get(id) ?? null;
  }

  jobByName(namespace: string, name: string): JobRecord | null {
    const id = this.#jobByName.get(namespace)?.get(name) ?? (name as JobId);
    const job = this.job(id);
    return job !== null && job.name === name && job.namespace === namespace ? job : null;
  }

  /** The executions of the job's current version. A job without any has an empty one, which is not kept. */
  book(job: JobRecord): Book {
    return this.#books.get(job.id) ?? new Book(job.type, job.count);
  }

  /** As they stand now: the list stays as it is while rows change. */
  executionsOf(jobId: JobId): readonly ExecutionRecord[] {
    return this.#rows(this.#ofJob.get(jobId));
  }

  /** Executions that are charged to the node, as they stand now. */
  openOn(nodeId: NodeId): readonly ExecutionRecord[] {
    return this.#rows(this.#openOfNode.get(nodeId));
  }

  openCount(nodeId: NodeId): number {
    return this.#rooms.of(nodeId).openCount;
  }

  room(nodeId: NodeId): Room {
    return this.#rooms.of(nodeId);
  }

  /** Goes up whenever some node may have become able to take what it could not take before, however empty. */
  get roomsVersion(): number {
    return this.#rooms.version;
  }

  putNode(node: NodeRecord): void {
    this.nodes.set(node.id, node);
    this.#rooms.putNode(node);
    this.#offer(node.id);
  }

  /** Drops a node that has been gone for long and holds nothing. */
  forgetNode(nodeId: NodeId): void {
    this.nodes.delete(nodeId);
    this.instances.delete(nodeId);
    this.greetings.delete(nodeId);
    this.lastChoice.delete(nodeId);
    this.offered.delete(nodeId);
    this.newlyOffered.delete(nodeId);
    this.#openOfNode.delete(nodeId);
    this.#rooms.forget(nodeId);
  }

  putJob(record: JobRecord): void {
    const before = this.jobs.get(record.id);
    const job = before?.needs === record.needs ? record : this.#interner.job(record);
    this.jobs.set(job.id, job);
    // A job without a name of its own is found by its id.
    if (job.name !== job.id) this.#namesIn(job.namespace).set(job.name, job.id);
    if (runsOnEveryNode(job.type) && !isTerminalJobState(job.state)) this.fanOuts.add(job.id);
    else this.fanOuts.delete(job.id);
    if (before !== undefined && before.version !== job.version) this.#books.delete(job.id);
  }

  putExecution(execution: ExecutionRecord): void {
    const before = this.executions.get(execution.id);
    this.executions.set(execution.id, execution);
    setOf(this.#ofJob, execution.jobId).add(execution.id);
    const job = this.jobs.get(execution.jobId);
    this.#charge(before, execution, job !== undefined && isKeptUp(job.type));
    if (job === undefined || job.version !== execution.jobVersion) return;
    const book = this.book(job);
    book.record(execution);
    this.#books.set(job.id, book);
  }

  /** True while the Scheduler must know the job: it has not ended, or something of it still runs somewhere. */
  isActive(job: JobRecord): boolean {
    if (!isTerminalJobState(job.state)) return true;
    for (const execution of this.executionsOf(job.id)) if (isOpen(execution)) return true;
    return false;
  }

  /** Drops a job that is no longer active, with its executions. */
  forget(job: JobRecord): void {
    this.jobs.delete(job.id);
    this.#books.delete(job.id);
    const names = this.#jobByName.get(job.namespace);
    if (names?.get(job.name) === job.id) names.delete(job.name);
    if (names?.size === 0) this.#jobByName.delete(job.namespace);
    this.queue.remove(job.id);
    this.fanOuts.delete(job.id);
    this.fanOutWaiting.delete(job.id);
    for (const id of this.#ofJob.get(job.id) ?? []) this.executions.delete(id);
    this.#ofJob.delete(job.id);
  }

  /**
   * Drops ended executions that no decision depends on any more: those of older versions, and of jobs that are kept up
   * those that ended before `before`.
   */
  dropEnded(job: JobRecord, before: EpochUs): void {
    for (const execution of this.executionsOf(job.id)) {
      const isOld = execution.jobVersion < job.version || (isKeptUp(job.type) && execution.modifiedAt < before);
      if (!isOld || isOpen(execution)) continue;
      this.executions.delete(execution.id);
      this.#ofJob.get(job.id)?.delete(execution.id);
      if (execution.jobVersion === job.version) this.book(job).drop(execution);
    }
  }

  #namesIn(namespace: string): Map<string, JobId> {
    let names = this.#jobByName.get(namespace);
    if (names === undefined) {
      names = new Map();
      this.#jobByName.set(namespace, names);
    }
    return names;
  }

  #rows(ids: Iterable<ExecutionId> = []): readonly ExecutionRecord[] {
    const rows: ExecutionRecord[] = [];
    for (const id of ids) {
      const execution = this.executions.get(id);
      if (execution !== undefined) rows.push(execution);
    }
    return rows;
  }

  #charge(before: ExecutionRecord | undefined, after: ExecutionRecord, keptUp: boolean): void {
    this.#rooms.putExecution(before, after, keptUp);
    // What never ended has an end: there may be room beside what is kept free.
    if (keptUp && before !== undefined && isLive(before) && !isLive(after)) this.#offer(after.nodeId);
    const wasOpen = before !== undefined && isOpen(before);
    const open = isOpen(after);
    if (wasOpen === open) return;
    const onNode = setOf(this.#openOfNode, after.nodeId);
    if (open) onNode.add(after.id);
    else onNode.delete(after.id);
    if (!open) this.#offer(after.nodeId);
  }

  #offer(nodeId: NodeId): void {
    this.offered.add(nodeId);
    this.newlyOffered.add(nodeId);
  }
}

function setOf<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  let set = map.get(key);
  if (set === undefined) {
    set = new Set();
    map.set(key, set);
  }
  return set;
}
