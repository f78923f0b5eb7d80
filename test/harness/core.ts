import type { EvaluationId, ExecutionId, JobId, NodeId } from '../../schema/ids.ts';
import type { Resources } from '../../schema/job/job.ts';
import type { Held } from '../../schema/protocol/common.ts';
import type { Report } from '../../schema/protocol/from-agent.ts';
import {
  NO_RESERVATIONS,
  type EventRecord,
  type ExecutionRecord,
  type JobRecord,
  type Needs,
} from '../../schema/records.ts';
import type {
  Answer,
  ChangeNode,
  ChangeNodeAnswer,
  DryRunAnswer,
  NodeAction,
  RerunJob,
  StopAnswer,
  SubmitAnswer,
  SubmitJob,
} from '../../src/core/commands.ts';
import type { Offers } from '../../schema/offers.ts';
import type { Membership } from '../../schema/states.ts';
import { readSettings } from '../../schema/settings.ts';
import { dryRun } from '../../src/core/dry-run.ts';
import { decide, type AgentFrame, type CoreEvent, type Reply } from '../../src/core/decide.ts';
import { settle } from '../../src/core/look.ts';
import { Turn, type Message } from '../../src/core/turn.ts';
import { World, type Session } from '../../src/core/world.ts';

const START = 1_800_000_000_000;

export const needs: Needs = {
  engine: 'docker',
  publisher: '',
  sources: [],
  constraints: [],
  taskName: 'main',
  resources: { cpu: 1, memory: 100, disk: 0, gpu: 0 },
  executionTimeoutMs: 0,
  queueTimeoutMs: null,
  totalTimeoutMs: 0,
};

/** The core with a clock and a memory of what was said: one event a turn, committed at once. */
export class CoreHarness {
  now = START;
  newMembership: Membership = 'APPROVED';
  isFull = false;
  nodeRetentionMs = 0;
  /** Looks that the last turn took. */
  work = 0;
  world = new World({
    cell: 'cell-0',
    epoch: 1,
    clock: 0,
    reservations: NO_RESERVATIONS,
    jobs: [],
    executions: [],
    nodes: [],
  });
  readonly heard = new Map<NodeId, number>();
  /** Rows as the store would have them, also of what the world forgot. */
  readonly jobs = new Map<JobId, JobRecord>();
  readonly executions = new Map<ExecutionId, ExecutionRecord>();
  readonly events: EventRecord[] = [];
  readonly forgottenNodes: NodeId[] = [];
  messages: Message[] = [];
  closings: { session: string; code: number }[] = [];
  #ids = 0;

  newId(): string {
    this.#ids += 1;
    return `00000000-0000-4000-8000-${String(this.#ids).padStart(12, '0')}`;
  }

  /** A turn that takes no event and is thrown away unless somebody settles it. */
  newTurn(): Turn {
    return new Turn(this.world, {
      now: this.now,
      newExecutionId: () => `e-${this.newId()}` as ExecutionId,
      newEvaluationId: () => `v-${this.newId()}` as EvaluationId,
      lastHeard: (nodeId) => this.heard.get(nodeId) ?? 0,
      isFull: this.isFull,
      settings: {
        ...readSettings({}).settings,
        manualApproval: this.newMembership === 'PENDING',
        nodeRetentionMs: this.nodeRetentionMs,
      },
    });
  }

  /** Where a job would run. */
  dryRun(options: SubmitOptions = {}): DryRunAnswer {
    return dryRun(this.newTurn(), this.submitCommand(options));
  }

  turn(...events: CoreEvent[]): Reply[] {
    const turn = this.newTurn();
    const replies = events.map((event) => decide(turn, event));
    settle(turn);
    this.work = turn.work.done;
    for (const [id, job] of turn.changes.jobs) this.jobs.set(id, job);
    for (const [id, { execution }] of turn.changes.executions) this.executions.set(id, execution);
    this.forgottenNodes.push(...turn.changes.forgottenNodes);
    this.events.push(...turn.changes.events);
    this.messages.push(...turn.messages);
    this.closings.push(...turn.closings);
    return replies;
  }

  /** Lets time pass and every deadline on the way fire at its moment. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (let next = this.world.timers.next(); next !== null && next <= until; next = this.world.timers.next()) {
      this.now = Math.max(this.now, next);
      this.turn({ type: 'wake' });
    }
    this.now = until;
    this.turn({ type: 'wake' });
  }

  /** Lets deadlines fire one by one until it is so. @throws Error when nothing is left to fire */
  advanceUntil(isSo: () => boolean): void {
    while (!isSo()) {
      const next = this.world.timers.next();
      if (next === null) throw new Error('nothing more will happen');
      this.now = Math.max(this.now, next);
      this.turn({ type: 'wake' });
    }
  }

  /** Connects a node; the session's id is the node's with a number. */
  join(name: string, options: JoinOptions = {}): Session {
    const [session] = this.joinAll([name], options);
    if (session === undefined) throw new Error('nobody joined');
    return session;
  }

  /** Connects nodes that look alike, in one turn. */
  joinAll(names: readonly string[], options: JoinOptions = {}): Session[] {
    const { instance = 'a' } = options;
    const sessions = names.map((name): Session => {
      const nodeId = name as NodeId;
      this.heard.set(nodeId, this.now);
      return { id: `${name}#${this.#ids++}`, nodeId, agentInstance: instance, connectedAt: this.now };
    });
    this.turn(...sessions.map((session) => this.#greeting(session, options)));
    return sessions;
  }

  #greeting(
    { id: session, nodeId }: Session,
    { capacity, engines = ['docker'], labels = {}, holds = [], instance = 'a', offers }: JoinOptions,
  ): CoreEvent {
    return {
      type: 'greeting',
      greeting: {
        session,
        acceptedAt: this.now,
        holds,
        hello: {
          type: 'hello',
          protocol: 1,
          nodeId,
          agentInstance: instance,
          agentVersion: '0',
          os: 'linux',
          arch: 'amd64',
          labels,
          engines,
          publishers: ['noop'],
          sources: [],
          capacity: { cpu: 2, memory: 1000, disk: 1000, gpu: 0, ...capacity },
          ...(offers !== undefined && { offers }),
          holds: [],
          more: false,
        },
      },
    };
  }

  leave(session: Session): void {
    this.turn({ type: 'disconnect', session: session.id, nodeId: session.nodeId, why: 'connection closed' });
  }

  submit(options: SubmitOptions = {}): SubmitAnswer {
    const answer = this.trySubmit(options);
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.value;
  }

  trySubmit(options: SubmitOptions = {}): Answer<SubmitAnswer> {
    return this.turn(this.submitEvent(options))[0] as Answer<SubmitAnswer>;
  }

  /** A submission that somebody else puts into a turn. */
  submitEvent(options: SubmitOptions = {}): CoreEvent {
    return { type: 'submitJob', command: this.submitCommand(options) };
  }

  submitCommand(options: SubmitOptions = {}): SubmitJob {
    const jobId = (options.jobId ?? `j-${this.newId()}`) as JobId;
    return {
      commandId: this.newId(),
      retry: false,
      evaluationId: this.newId() as EvaluationId,
      namespace: 'default',
      name: jobId,
      type: 'batch',
      priority: 0,
      count: 1,
      spec: '{}',
      labels: {},
      specHash: this.newId(),
      force: false,
      ...options,
      jobId,
      needs: { ...needs, ...options.needs },
    };
  }

  stop(jobId: JobId, reason = 'enough'): Answer<StopAnswer> {
    const command = {
      commandId: this.newId(),
      retry: false,
      jobId,
      evaluationId: this.newId() as EvaluationId,
      reason,
    };
    return this.turn({ type: 'stopJob', command })[0] as Answer<StopAnswer>;
  }

  rerun(jobId: JobId): Answer<SubmitAnswer> {
    const { priority, count, needs, specHash } = this.job(jobId);
    const command: RerunJob = {
      commandId: this.newId(),
      retry: false,
      jobId,
      evaluationId: this.newId() as EvaluationId,
      priority,
      count,
      needs,
      specHash,
      spec: '{}',
      labels: {},
    };
    return this.turn({ type: 'rerunJob', command })[0] as Answer<SubmitAnswer>;
  }

  changeNode(nodeId: string, action: NodeAction, message = ''): Answer<ChangeNodeAnswer> {
    const command: ChangeNode = { commandId: this.newId(), retry: false, nodeId: nodeId as NodeId, action, message };
    return this.turn({ type: 'changeNode', command })[0] as Answer<ChangeNodeAnswer>;
  }

  frame(session: Session, frame: AgentFrame): void {
    this.heard.set(session.nodeId, this.now);
    this.turn({ type: 'frame', session, frame });
  }

  ack(session: Session, executionId: ExecutionId): void {
    this.frame(session, { type: 'ack', executionId });
  }

  report(session: Session, executionId: ExecutionId, seq: number, what: Outcome): void {
    this.frame(session, { type: 'report', executionId, seq, ...what });
  }

  job(jobId: JobId): JobRecord {
    const job = this.jobs.get(jobId);
    if (job === undefined) throw new Error(`no job ${jobId}`);
    return job;
  }

  executionsOf(jobId: JobId): ExecutionRecord[] {
    return [...this.executions.values()].filter((e) => e.jobId === jobId);
  }

  /** The one execution of a job that has one. */
  execution(jobId: JobId): ExecutionRecord {
    const [execution, ...more] = this.executionsOf(jobId);
    if (execution === undefined || more.length > 0) throw new Error(`${more.length + 1} executions`);
    return execution;
  }

  /** The n-th execution of a job, from 0, in the order they were made. */
  executionAt(jobId: JobId, n: number): ExecutionRecord {
    const execution = this.executionsOf(jobId)[n];
    if (execution === undefined) throw new Error(`no execution ${n}`);
    return execution;
  }

  /** Messages since the last call, as `type node`. */
  said(): string[] {
    const said = this.messages.map(({ body, nodeId }) => `${body.type} ${nodeId}`);
    this.messages = [];
    return said;
  }

  /** Loads a new world from the rows, as after an eviction. */
  restart(surviving: readonly Session[], wasAway = true): void {
    const active = [...this.jobs.values()].filter((job) => this.world.jobs.has(job.id));
    this.world = new World({
      cell: 'cell-0',
      epoch: this.world.epoch + 1,
      clock: this.world.clock,
      reservations: this.world.reservations,
      jobs: active,
      executions: [...this.executions.values()].filter((e) => this.world.executions.has(e.id)),
      nodes: [...this.world.nodes.values()],
    });
    this.turn({
      type: 'start',
      wasAway,
      sessions: surviving.map(({ id, nodeId, agentInstance, connectedAt }) => ({
        session: id,
        nodeId,
        agentInstance,
        connectedAt,
      })),
    });
  }
}

export type SubmitOptions = Partial<Omit<SubmitJob, 'needs'>> & { needs?: Partial<Needs> };

export interface JoinOptions {
  capacity?: Partial<Resources>;
  engines?: string[];
  labels?: Record<string, string>;
  holds?: Held[];
  instance?: string;
  offers?: Offers;
}

type Outcome = Report extends infer R ? (R extends Report ? Omit<R, 'type' | 'executionId' | 'seq'> : never) : never;

export const running: Outcome = { state: 'Running' };
export const cancelled: Outcome = { state: 'Cancelled', message: 'stopped' };

export function completed(exitCode = 0, stdout = ''): Outcome {
  return {
    state: 'Completed',
    output: { stdout, stdoutTruncated: false, stderr: '', stderrTruncated: false, exitCode, errorMessage: '' },
  };
}

export function failed(failureClass: 'infrastructure' | 'environment' | 'permanent', message = 'broken'): Outcome {
  return { state: 'Failed', failure: { class: failureClass, message, hint: '', topic: 'Execution' }, output: null };
}
