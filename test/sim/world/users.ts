import { ShoalError } from '../../../schema/errors.ts';
import { DEFAULT_CELL, type EvaluationId, type JobId, type NodeId } from '../../../schema/ids.ts';
import { needsOf } from '../../../schema/job/needs.ts';
import type { NodeAction } from '../../../src/core/commands.ts';
import { command, type CommandDeps } from '../../../src/http/command.ts';
import type {
  ChangeNode,
  ChangeNodeAnswer,
  Commands,
  CommandType,
  RerunJob,
  StopAnswer,
  StopJob,
  SubmitAnswer,
  SubmitJob,
} from '../../../src/scheduler/rpc.ts';
import type { Shell } from '../../../src/scheduler/shell.ts';
import { overdueWake } from '../../../src/scheduler/overdue.ts';
import type { Base } from './base.ts';
import type { Database } from './database.ts';
import { specOf, type JobPlan } from './job-plan.ts';
import type { Life, ObjectHost } from './object-host.ts';

/** The cron's period. */
const CRON_MS = 300_000;

/** How a command ended, as its user saw it. */
export type Ended<T> =
  | { readonly type: 'done'; readonly value: T }
  /** A clear no: nothing was changed. */
  | { readonly type: 'refused'; readonly error: ShoalError }
  | { readonly type: 'unknown' };

/** A job as its user remembers it. */
export interface UserJob {
  readonly name: string;
  jobId: JobId | null;
  plan: JobPlan;
  /** The newest version that an answer named. */
  version: number;
  /** Different submissions and reruns under this name. */
  submits: number;
}

export interface UserChecks {
  submitted(job: UserJob, commandId: string, ended: Ended<SubmitAnswer>): void;
  stopped(job: UserJob, commandId: string, ended: Ended<StopAnswer>): void;
  changed(change: ChangeNode, ended: Ended<ChangeNodeAnswer>): void;
}

/** Users behind the Worker: its resend logic is the real one, its calls to the object and to D1 may fail. */
export class Users {
  readonly jobs = new Map<string, UserJob>();
  /** Commands without an answer yet. */
  pending = 0;
  readonly #base: Base;
  readonly #host: ObjectHost;
  readonly #database: Database;
  readonly #checks: UserChecks;
  readonly #deps: CommandDeps;

  constructor(base: Base, host: ObjectHost, database: Database, checks: UserChecks) {
    this.#base = base;
    this.#host = host;
    this.#database = database;
    this.#checks = checks;
    this.#deps = {
      scheduler: { command: (event) => this.#reach((shell) => shell.command(event)) },
      now: () => base.timeline.now,
      sleep: (ms) => new Promise((resolve) => base.timeline.after(ms, resolve)),
      reads: {
        commandAnswer: (commandId) => database.read(() => database.rows.commands.get(commandId)?.answer ?? null),
      },
    };
    this.#runCron();
  }

  /** Submits a job; under the name of an existing one that is an update. */
  async submit(name: string, plan: JobPlan, force = false): Promise<void> {
    const { rng } = this.#base;
    const job: UserJob = this.jobs.get(name) ?? { name, jobId: null, plan, version: 0, submits: 0 };
    this.jobs.set(name, job);
    job.plan = plan;
    job.submits += 1;
    const spec = specOf(name, plan);
    const text = JSON.stringify(spec);
    const submit: SubmitJob = {
      commandId: rng.uuid(),
      retry: false,
      jobId: `j-${rng.uuid()}` as JobId,
      evaluationId: rng.uuid() as EvaluationId,
      namespace: spec.Namespace,
      name,
      type: spec.Type,
      priority: spec.Priority,
      count: spec.Count,
      needs: needsOf(spec),
      spec: text,
      specHash: text,
      labels: spec.Labels,
      force,
    };
    this.#base.trace.line(`user submits ${name} ${plan.type} x${plan.count} as ${submit.jobId.slice(0, 10)}`);
    const ended = await this.#send('submitJob', submit);
    if (ended.type === 'done') {
      this.#base.totals.count(`submitted ${plan.type}`);
      job.jobId = ended.value.jobId;
      job.version = Math.max(job.version, ended.value.version);
    }
    this.#note(`submit ${name}`, ended);
    this.#checks.submitted(job, submit.commandId, ended);
  }

  async stop(job: UserJob): Promise<void> {
    const { rng, trace } = this.#base;
    const { jobId } = job;
    if (jobId === null) return;
    const evaluationId = rng.uuid() as EvaluationId;
    const stop: StopJob = { commandId: rng.uuid(), retry: false, jobId, evaluationId, reason: 'enough' };
    trace.line(`user stops ${job.name}`);
    const ended = await this.#send('stopJob', stop);
    this.#note(`stop ${job.name}`, ended);
    this.#checks.stopped(job, stop.commandId, ended);
  }

  /** Runs the newest version again. */
  async rerun(job: UserJob): Promise<void> {
    const { rng, trace } = this.#base;
    const { jobId, plan } = job;
    if (jobId === null) return;
    job.submits += 1;
    const spec = specOf(job.name, plan);
    const text = JSON.stringify(spec);
    const rerun: RerunJob = {
      commandId: rng.uuid(),
      retry: false,
      jobId,
      evaluationId: rng.uuid() as EvaluationId,
      priority: spec.Priority,
      count: spec.Count,
      needs: needsOf(spec),
      spec: text,
      specHash: text,
      labels: spec.Labels,
    };
    trace.line(`user reruns ${job.name}`);
    const ended = await this.#send('rerunJob', rerun);
    if (ended.type === 'done') job.version = Math.max(job.version, ended.value.version);
    this.#note(`rerun ${job.name}`, ended);
    this.#checks.submitted(job, rerun.commandId, ended);
  }

  /** An operator's word on a node. */
  async changeNode(nodeId: NodeId, action: NodeAction): Promise<void> {
    const { rng, trace } = this.#base;
    const change: ChangeNode = { commandId: rng.uuid(), retry: false, nodeId, action, message: 'because' };
    trace.line(`user: ${action} ${nodeId}`);
    const ended = await this.#send('changeNode', change);
    this.#note(`${action} ${nodeId}`, ended);
    if (ended.type === 'done') this.#base.totals.count(`node ${action}`);
    this.#checks.changed(change, ended);
  }

  async #send<T extends CommandType>(type: T, asked: Commands[T]['asked']): Promise<Ended<Commands[T]['answer']>> {
    this.pending += 1;
    try {
      const value = await command(this.#deps, type, asked);
      return { type: 'done', value };
    } catch (error) {
      if (error instanceof ShoalError && error.shape.status !== 503) return { type: 'refused', error };
      return { type: 'unknown' };
    } finally {
      this.pending -= 1;
    }
  }

  /** One call to the object: it may not arrive, its answer may be lost, and it may reach a life that was replaced. */
  async #reach<T>(method: (shell: Shell) => Promise<T>): Promise<T> {
    const { rng, weather } = this.#base;
    const fate = rng.chance(weather.callFails) ? rng.pick(['lost', 'answer lost', 'overloaded'] as const) : 'good';
    if (fate !== 'good') this.#base.fault(`call ${fate}`);
    if (fate === 'lost') throw Object.assign(new Error('Network connection lost.'), { retryable: true });
    if (fate === 'overloaded') {
      throw Object.assign(new Error('Durable Object is overloaded.'), { retryable: true, overloaded: true });
    }
    const answer = this.#host.call(method, this.#life());
    if (fate === 'good') return answer;
    void answer.catch(() => {});
    throw Object.assign(new Error('Network connection lost.'), { retryable: true });
  }

  #life(): Life {
    const zombies = [...this.#host.zombies];
    if (zombies.length === 0 || !this.#base.rng.chance(0.4)) return this.#host.wake();
    this.#base.fault('call to a zombie');
    return this.#base.rng.pick(zombies);
  }

  #note(what: string, ended: Ended<unknown>): void {
    this.#base.totals.count(`answer ${ended.type}`);
    this.#base.trace.line(`${what}: ${ended.type}${ended.type === 'refused' ? ` ${ended.error.message}` : ''}`);
  }

  /** The Worker's cron, which pokes an overdue Scheduler. */
  #runCron(): void {
    this.#base.timeline.after(CRON_MS, () => {
      this.#runCron();
      void this.#cron().catch(() => {});
    });
  }

  async #cron(): Promise<void> {
    const overdue = await this.#database
      .read(() => this.#database.rows.fences.get(DEFAULT_CELL) ?? null)
      .then((fence) => overdueWake({ readFence: async () => fence }, this.#base.timeline.now));
    if (overdue === null) return;
    this.#base.totals.count('cron poke');
    this.#base.trace.line('cron pokes');
    await this.#host.call((shell) => shell.poke());
  }
}
