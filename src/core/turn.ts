import type { EpochMs, EpochUs, EvaluationId, ExecutionId, JobId, NodeId } from '../../schema/ids.ts';
import { MAX_EVENT_BYTES, MAX_MESSAGE_BYTES } from '../../schema/limits.ts';
import type { EventRecord, ExecutionRecord, JobRecord, NodeRecord, RunOutput } from '../../schema/records.ts';
import type { WorkerSettings } from '../../schema/settings.ts';
import type { JobState } from '../../schema/states.ts';
import { cutText } from '../../schema/text.ts';
import type { Specified } from './commands.ts';
import { isOpen } from './execution.ts';
import { Work } from './work.ts';
import type { Session, World } from './world.ts';

/** What the core is given from outside; with the same values it decides the same. */
export interface Env {
  /** Read once a turn; never goes back. */
  readonly now: EpochMs;
  newExecutionId(): ExecutionId;
  newEvaluationId(): EvaluationId;
  /** When the node's session was last heard, heartbeats included; 0 when it has none. */
  lastHeard(nodeId: NodeId): EpochMs;
  /** The database is nearly full: nothing new is taken in, while what runs goes on. */
  readonly isFull: boolean;
  /** Of the installation. */
  readonly settings: WorkerSettings;
}

/** What a frame to an agent says; the shell adds the header, and to `run` the task of the job's specification. */
export type MessageBody =
  | { readonly type: 'welcome'; readonly mode: 'active' | 'stopOnly' }
  | { readonly type: 'run'; readonly execution: ExecutionRecord; readonly job: JobRecord }
  | { readonly type: 'stop'; readonly executionId: ExecutionId; readonly reason: string }
  | { readonly type: 'keep'; readonly executionId: ExecutionId }
  | { readonly type: 'ackReport'; readonly executionId: ExecutionId; readonly seq: number };

export interface Message {
  readonly nodeId: NodeId;
  readonly session: string;
  readonly body: MessageBody;
}

/** A socket to close after the commit. */
export interface Closing {
  readonly session: string;
  readonly code: number;
  readonly reason: string;
}

export interface NewVersion {
  readonly jobId: JobId;
  readonly version: number;
  readonly spec: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: EpochUs;
}

/** How a job stood when a newer version took over. */
export interface Superseded {
  readonly jobId: JobId;
  readonly version: number;
  readonly state: JobState;
  readonly stateMessage: string;
  readonly revision: number;
  readonly modifiedAt: EpochUs;
}

export interface CommandRow {
  readonly id: string;
  /** The id of the job or node that it was about. */
  readonly subject: string;
  /** JSON. */
  readonly answer: string;
  readonly expiresAt: EpochMs;
  /** The client's own token; null when it sent none. */
  readonly namespace: string | null;
  readonly token: string | null;
  readonly requestHash: string | null;
}

/** An execution row to write; `output` is null when this turn brought none, and the stored one stays. */
export interface ExecutionWrite {
  readonly execution: ExecutionRecord;
  readonly output: RunOutput | null;
}

/** The rows of one turn, each in its last form. */
export interface Changes {
  readonly jobs: ReadonlyMap<JobId, JobRecord>;
  readonly versions: readonly NewVersion[];
  readonly superseded: readonly Superseded[];
  readonly executions: ReadonlyMap<ExecutionId, ExecutionWrite>;
  readonly events: readonly EventRecord[];
  readonly nodes: ReadonlyMap<NodeId, NodeRecord>;
  /** Nodes that are remembered no more. */
  readonly forgottenNodes: readonly NodeId[];
  readonly commands: readonly CommandRow[];
  /** Jobs that the Scheduler need not know any more. */
  readonly inactive: ReadonlySet<JobId>;
}

interface NewEvent {
  readonly topic: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, string>>;
  readonly execution?: ExecutionRecord;
  /** The version to whose history it belongs: the execution's own, else the job's, when it is not named. */
  readonly jobVersion?: number;
}

/**
 * Collects what one turn decides. Rows go into the world at once, so that later events of the turn see them; they leave
 * for the store, and messages for the agents, only when the whole turn is committed. When the commit is refused the
 * world is thrown away and loaded again.
 */
export class Turn {
  readonly world: World;
  readonly env: Env;
  readonly messages: Message[] = [];
  readonly closings: Closing[] = [];
  /** Nodes whose executions or facts changed. */
  readonly touchedNodes = new Set<NodeId>();
  /** Lines for the log, for operators. */
  readonly notes: string[] = [];
  readonly work = new Work();
  readonly #jobs = new Map<JobId, JobRecord>();
  readonly #versions: NewVersion[] = [];
  readonly #superseded: Superseded[] = [];
  readonly #executions = new Map<ExecutionId, ExecutionWrite>();
  readonly #events: EventRecord[] = [];
  readonly #nodes = new Map<NodeId, NodeRecord>();
  readonly #forgottenNodes: NodeId[] = [];
  readonly #commands = new Map<string, CommandRow>();
  readonly #tokens = new Map<string, CommandRow>();
  readonly #evaluations = new Map<JobId, EvaluationId>();
  readonly #dirty = new Set<JobId>();
  readonly #touched = new Set<JobId>();
  readonly #inactive = new Set<JobId>();
  #nodesChanged = false;
  #reservationsChanged = false;

  constructor(world: World, env: Env) {
    this.world = world;
    this.env = env;
  }

  get now(): EpochMs {
    return this.env.now;
  }

  get changes(): Changes {
    return {
      jobs: this.#jobs,
      versions: this.#versions,
      superseded: this.#superseded,
      executions: this.#executions,
      events: this.#events,
      nodes: this.#nodes,
      forgottenNodes: this.#forgottenNodes,
      commands: [...this.#commands.values()],
      inactive: this.#inactive,
    };
  }

  /** How many rows the turn writes so far. */
  get rowCount(): number {
    const { jobs, versions, executions, events, nodes, forgottenNodes, commands } = this.changes;
    const nodeRows = nodes.size + forgottenNodes.length;
    return jobs.size + versions.length + executions.size + events.length + nodeRows + commands.length;
  }

  /** The next row time: later than every one before it. */
  stamp(): EpochUs {
    this.world.clock = Math.max(this.world.clock + 1, this.now * 1000);
    return this.world.clock;
  }

  createJob(job: Omit<JobRecord, 'createdAt' | 'modifiedAt'>, { spec, labels }: Specified): JobRecord {
    const at = this.stamp();
    const created: JobRecord = { ...job, createdAt: at, modifiedAt: at };
    this.#putJob(created);
    this.#versions.push({ jobId: job.id, version: job.version, spec, labels, createdAt: at });
    return created;
  }

  /** Starts a new version; how the old one stood is kept with it. */
  supersede(job: JobRecord, next: Omit<JobRecord, 'modifiedAt'>, { spec, labels }: Specified): JobRecord {
    const { id: jobId, version, state, stateMessage, revision, modifiedAt } = job;
    this.#superseded.push({ jobId, version, state, stateMessage, revision, modifiedAt });
    const at = this.stamp();
    const updated: JobRecord = { ...next, modifiedAt: at };
    this.#putJob(updated);
    this.#versions.push({ jobId, version: next.version, spec, labels, createdAt: at });
    return updated;
  }

  updateJob(id: JobId, patch: Partial<JobRecord>): JobRecord {
    const before = this.world.jobs.get(id);
    if (before === undefined) throw new Error(`job ${id} is not in memory`);
    const changedState = patch.state !== undefined && patch.state !== before.state;
    const after: JobRecord = {
      ...before,
      ...patch,
      ...(patch.stateMessage !== undefined && { stateMessage: cutText(patch.stateMessage, MAX_MESSAGE_BYTES) }),
      revision: before.revision + (changedState ? 1 : 0),
      modifiedAt: this.stamp(),
    };
    this.#putJob(after);
    return after;
  }

  createExecution(execution: Omit<ExecutionRecord, 'revision' | 'createdAt' | 'modifiedAt'>): ExecutionRecord {
    const at = this.stamp();
    this.work.start();
    const created: ExecutionRecord = { ...execution, revision: 1, createdAt: at, modifiedAt: at };
    this.#putExecution(created, null);
    return created;
  }

  updateExecution(id: ExecutionId, patch: Partial<ExecutionRecord>, output: RunOutput | null = null): ExecutionRecord {
    const before = this.world.executions.get(id);
    if (before === undefined) throw new Error(`execution ${id} is not in memory`);
    const cut = (text: string | undefined) => (text === undefined ? undefined : cutText(text, MAX_MESSAGE_BYTES));
    const after: ExecutionRecord = {
      ...before,
      ...patch,
      computeMessage: cut(patch.computeMessage) ?? before.computeMessage,
      desiredMessage: cut(patch.desiredMessage) ?? before.desiredMessage,
      revision: before.revision + 1,
      modifiedAt: this.stamp(),
    };
    this.#putExecution(after, output);
    return after;
  }

  putNode(node: Omit<NodeRecord, 'modifiedAt'>): NodeRecord {
    const after: NodeRecord = { ...node, modifiedAt: this.stamp() };
    this.world.putNode(after);
    this.touchedNodes.add(after.id);
    this.#nodes.set(after.id, after);
    // It is asked again by those whom it has declined.
    for (const jobId of this.world.queue.barredFrom(after.id)) this.#dirty.add(jobId);
    return after;
  }

  /** Drops a node that is gone and holds nothing. */
  forgetNode(nodeId: NodeId): void {
    this.world.forgetNode(nodeId);
    this.#nodes.delete(nodeId);
    this.#forgottenNodes.push(nodeId);
  }

  putCommand(command: CommandRow): void {
    this.#commands.set(command.id, command);
    const { namespace, token } = command;
    if (namespace !== null && token !== null) this.#tokens.set(tokenKey(namespace, token), command);
  }

  /** The answer that a command of this very turn got, or null. */
  answered(commandId: string): string | null {
    return this.#commands.get(commandId)?.answer ?? null;
  }

  /** The command of this very turn that carried a client's token, or null. */
  tokenTaken(namespace: string, token: string): CommandRow | null {
    return this.#tokens.get(tokenKey(namespace, token)) ?? null;
  }

  /** Adds a line to the job's history. */
  event(jobId: JobId, { topic, message, details = {}, execution, jobVersion }: NewEvent): void {
    const job = this.world.jobs.get(jobId);
    if (job === undefined) throw new Error(`job ${jobId} is not in memory`);
    const seq = job.eventSeq + 1;
    this.#putJob({ ...job, eventSeq: seq });
    this.#events.push({
      jobId,
      seq,
      type: execution === undefined ? 'JobLevel' : 'ExecutionLevel',
      jobVersion: jobVersion ?? execution?.jobVersion ?? job.version,
      executionId: execution?.id ?? '',
      topic,
      message: cutText(message, MAX_MESSAGE_BYTES),
      details: cutDetails(details),
      createdAt: this.stamp(),
    });
  }

  send(session: Session, body: MessageBody): void {
    this.messages.push({ nodeId: session.nodeId, session: session.id, body });
  }

  close(session: string, code: number, reason: string): void {
    this.closings.push({ session, code, reason });
  }

  /** The evaluation under which this turn looks at the job: the command's, else a new one. */
  evaluationOf(jobId: JobId): EvaluationId {
    const known = this.#evaluations.get(jobId);
    if (known !== undefined) return known;
    const made = this.env.newEvaluationId();
    this.#evaluations.set(jobId, made);
    return made;
  }

  setEvaluation(jobId: JobId, evaluationId: EvaluationId): void {
    this.#evaluations.set(jobId, evaluationId);
  }

  /** Asks for another look at the job before the turn ends. */
  markDirty(jobId: JobId): void {
    this.#dirty.add(jobId);
  }

  takeDirty(): JobId | null {
    for (const jobId of this.#dirty) {
      this.#dirty.delete(jobId);
      return jobId;
    }
    return null;
  }

  /** A hold has ended, or may begin: that is settled before the turn ends. */
  markReservationsChanged(): void {
    this.#reservationsChanged = true;
  }

  takeReservationsChanged(): boolean {
    const changed = this.#reservationsChanged;
    this.#reservationsChanged = false;
    return changed;
  }

  /** Some node came, went or changed: the reasons why jobs wait are written anew before the turn ends. */
  markNodesChanged(): void {
    this.#nodesChanged = true;
  }

  takeNodesChanged(): boolean {
    const changed = this.#nodesChanged;
    this.#nodesChanged = false;
    return changed;
  }

  /** Lets go of jobs that ended, when everything else is decided. */
  forgetInactive(): void {
    for (const jobId of this.#touched) {
      const job = this.world.jobs.get(jobId);
      if (job === undefined || this.world.isActive(job)) continue;
      this.#jobs.set(jobId, job);
      this.#inactive.add(jobId);
      this.world.forget(job);
    }
  }

  #putJob(job: JobRecord): void {
    this.world.putJob(job);
    this.#jobs.set(job.id, job);
    this.#touched.add(job.id);
  }

  #putExecution(execution: ExecutionRecord, output: RunOutput | null): void {
    const earlier = this.#executions.get(execution.id);
    const before = this.world.executions.get(execution.id);
    this.world.putExecution(execution);
    if (before !== undefined && isOpen(before) && !isOpen(execution)) this.#ended(execution);
    this.#touched.add(execution.jobId);
    this.touchedNodes.add(execution.nodeId);
    this.#executions.set(execution.id, { execution, output: output ?? earlier?.output ?? null });
    this.#dirty.add(execution.jobId);
  }

  /** Deadlines that mean nothing any more are taken back, so that an idle installation has none. */
  #ended({ id, nodeId }: ExecutionRecord): void {
    const { timers } = this.world;
    for (const kind of ['ack', 'backstop', 'stop', 'fenced'] as const) timers.clear(kind, id);
    if (this.world.openCount(nodeId) === 0) {
      timers.clear('lease', nodeId);
      timers.clear('lost', nodeId);
    }
  }
}

function tokenKey(namespace: string, token: string): string {
  return `${namespace}\0${token}`;
}

function cutDetails(details: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(details);
  if (entries.length === 0) return details;
  const each = Math.floor(MAX_EVENT_BYTES / entries.length);
  return Object.fromEntries(entries.map(([key, value]) => [key, cutText(value, each)]));
}
