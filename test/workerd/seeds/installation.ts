import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { DEFAULT_CELL, type EvaluationId, type JobId } from '../../../schema/ids.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import type { JobRecord } from '../../../schema/records.ts';
import { meets } from '../../../src/core/placement/constraints.ts';
import type { Env } from '../../../src/env.ts';
import { isLive, isOpen } from '../../sim/checks/rows.ts';
import { Rng } from '../../sim/world/rng.ts';
import { probe, randomPlan, zones } from './plan.ts';
import { readRows, type Rows } from './rows.ts';
import { problemsOf } from './rules.ts';
import { SeededAgent } from './seeded-agent.ts';
import { Users } from './users.ts';

const { DB, SCHEDULER } = env as unknown as Env;

const MAX_JOBS = 15;
const LEAST_JOBS = 5;
/** How long after the faults all is as it should be; the longest are two retries with their pauses, and a lost `run`. */
const HEALED_MS = 15_000;
/** More changes of its process within a minute, and the Scheduler takes a node for two. */
const MAX_LOST_JOURNALS = 2;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What may happen to the object while everybody is talking to it. */
const blows = ['evict', 'abort', 'rival'] as const;

/** One cell in workerd: its object, D1, agents on WebSockets and users on HTTP, and whatever befalls them by one seed. */
export class Installation {
  /** What was done, for whoever has to find out. */
  readonly steps: string[] = [];
  /** Kinds of things that happened. */
  readonly met = new Set<string>();
  readonly #rng: Rng;
  readonly #users = new Users();
  readonly #agents: readonly SeededAgent[];
  readonly #jobs: number;
  #lostJournals = 0;
  #before: Rows | null = null;

  constructor(seed: number) {
    this.#rng = new Rng(seed);
    this.#jobs = this.#rng.int(LEAST_JOBS, MAX_JOBS);
    this.#agents = Array.from(
      { length: this.#rng.int(3, 5) },
      (_, i) => new SeededAgent(`n-${i}`, { zone: zones[i % 2] ?? 'a' }, this.#rng.fork()),
    );
  }

  async begin(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.connect()));
  }

  /** A few things at once, and perhaps a blow to the object in their midst; then the rows are looked at. */
  async step(): Promise<void> {
    const acts = Array.from({ length: this.#rng.int(1, 5) }, () => this.#act());
    if (this.#rng.chance(0.5)) acts.push(this.#blow(this.#rng.pick(blows)));
    await Promise.all(acts);
    await this.check();
  }

  /** @throws Error with every promise that the rows break */
  async check(): Promise<Rows> {
    const rows = await readRows(DB);
    const known = new Set<string>(rows.executions.keys());
    const asked = this.#agents.flatMap((agent) => [...agent.asked]);
    const problems = [
      ...problemsOf(rows, this.#before),
      ...this.#users.problems(rows),
      ...asked
        .filter((id) => !known.has(id))
        .map((id) => `${id}: [1] an agent was asked to run it, and it is not there`),
    ];
    if (problems.length > 0) throw new Error(problems.join('\n'));
    for (const { job } of rows.jobs.values()) this.met.add(`${job.type} job`).add(`job ${job.state}`);
    for (const { computeState } of rows.executions.values()) this.met.add(`execution ${computeState}`);
    this.#before = rows;
    return rows;
  }

  /** No more faults: everybody comes back, and all that can run does. */
  async heal(): Promise<void> {
    await endRival();
    await this.#probe();
    await this.#until('all that can run does', async () => {
      const back = await Promise.all(this.#agents.map((agent) => agent.connect()));
      return [...(back.includes(false) ? ['a node is away'] : []), ...this.#unhealed(await this.check())];
    });
  }

  /** Nobody wants anything any more: nothing is left running, and nothing charged. */
  async end(): Promise<void> {
    await this.#until('all has ended', async () => {
      const rows = await this.check();
      const left = [...rows.jobs.values()].filter(({ job }) => !isTerminalJobState(job.state));
      const names = new Set(left.map(({ job }) => job.name));
      await Promise.all(this.#users.jobs.filter(({ name }) => names.has(name)).map((job) => this.#users.stop(job)));
      const open = [...rows.executions.values()].filter(isOpen);
      return [...names, ...open.map(({ id, nodeId }) => `${id} on ${nodeId}`)];
    });
    for (const { nodeId, runningExecutions, available } of await object().liveNodes()) {
      if (runningExecutions !== 0 || available.cpu !== 4) throw new Error(`${nodeId}: [4] something is charged to it`);
    }
  }

  close(): void {
    for (const agent of this.#agents) agent.end();
  }

  async #act(): Promise<void> {
    const after = this.#rng.int(0, 15);
    const what = this.#rng.next();
    const job = this.#users.jobs.length === 0 ? null : this.#rng.pick(this.#users.jobs);
    const agent = this.#rng.pick(this.#agents);
    await sleep(after);
    if (job === null || (what < 0.4 && this.#users.jobs.length < this.#jobs)) {
      const name = `job-${this.#users.jobs.length}`;
      this.#note(`submit ${name}`);
      await this.#users.submit(name, randomPlan(this.#rng));
    } else if (what < 0.55) {
      this.#note(`update ${job.name}`);
      await this.#users.submit(job.name, randomPlan(this.#rng, job.plan.type));
    } else if (what < 0.65) {
      this.#note(`rerun ${job.name}`);
      await this.#users.rerun(job);
    } else if (what < 0.75) {
      this.#note(`stop ${job.name}`);
      await this.#users.stop(job);
    } else await this.#move(agent);
  }

  /** A node comes back, or goes away with its journal or without. */
  async #move(agent: SeededAgent): Promise<void> {
    if (!agent.isConnected) {
      this.#note(`${agent.nodeId} dials`);
      await agent.connect();
    } else if (this.#rng.chance(0.3) && this.#lostJournals < MAX_LOST_JOURNALS) {
      this.#lostJournals += 1;
      this.#note(`${agent.nodeId} loses its journal`);
      agent.loseJournal();
    } else {
      this.#note(`${agent.nodeId} disconnects`);
      agent.disconnect();
    }
  }

  async #blow(blow: (typeof blows)[number]): Promise<void> {
    const job = this.#users.jobs.find(({ id }) => id !== null);
    await sleep(this.#rng.int(0, 20));
    this.#note(blow);
    if (blow === 'evict') await evictDurableObject(object()).catch(() => {});
    if (blow === 'abort') await abortObject(object());
    if (blow === 'rival') await this.#strike(job?.id ?? null);
  }

  /** Another object takes the cell over, and does something there that the first one does not know of. */
  async #strike(jobId: JobId | null): Promise<void> {
    if (jobId === null) return rival().poke();
    const evaluationId = crypto.randomUUID() as EvaluationId;
    await rival()
      .command({
        type: 'stopJob',
        command: { commandId: crypto.randomUUID(), retry: false, jobId, evaluationId, reason: 'by the rival' },
      })
      .catch(() => {});
  }

  /** A job that any node can take; with its submit the Scheduler learns whether it was replaced. */
  async #probe(): Promise<void> {
    const isTaken = () => this.#users.submit('probe', { ...probe, priority: this.#users.jobs.length });
    await this.#until('a job is taken', async () => ((await isTaken()) ? [] : ['it is not']));
  }

  /** What is not yet as it should be. */
  #unhealed({ jobs, executions, nodes }: Rows): string[] {
    const away = nodes.filter(({ connection }) => connection !== 'CONNECTED');
    const waiting: string[] = away.map(({ id }) => `${id} is not connected`);
    for (const { job } of jobs.values()) {
      const isKeptUp = job.type === 'service' || job.type === 'daemon';
      const isFine = isTerminalJobState(job.state) || (isKeptUp && job.state === 'Running');
      const isHopeless = job.state === 'Queued' && !this.#agents.some((agent) => couldTake(agent, job, executions));
      if (!isFine && !isHopeless) waiting.push(`${job.name} is ${job.state}`);
    }
    const live = [...executions.values()].filter(isOpen);
    for (const execution of live) {
      if (!isLive(execution)) waiting.push(`${execution.id} is wanted no more and ${execution.computeState}`);
      if (execution.computeState === 'New') waiting.push(`${execution.id} is New`);
    }
    for (const { nodeId, running } of this.#agents) {
      const wanted = new Set(live.filter((e) => e.nodeId === nodeId).map((e) => e.id));
      for (const id of running) if (!wanted.delete(id)) waiting.push(`${id} runs on ${nodeId} for nobody`);
      for (const id of wanted) waiting.push(`${id} does not run on ${nodeId}`);
    }
    return waiting;
  }

  async #until(what: string, look: () => Promise<readonly string[]>): Promise<void> {
    for (const until = Date.now() + HEALED_MS; ;) {
      const left = await look();
      if (left.length === 0) return;
      if (Date.now() > until) throw new Error(`not within ${HEALED_MS} ms: ${what}:\n${left.join('\n')}`);
      await sleep(50);
    }
  }

  #note(step: string): void {
    this.steps.push(step);
    this.met.add(step.replaceAll(/ ?\b(?:job|n)-\d+ ?/g, ''));
  }
}

const object = () => SCHEDULER.getByName(DEFAULT_CELL);
/** Another object of the class works on the same cell: two Schedulers at once. */
const rival = () => SCHEDULER.getByName('rival');

/** With this reason the runner does not print every broken call. */
const ABORT_REASON = 'Instance dispose';

async function abortObject(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub, (_, ctx) => ctx.abort(ABORT_REASON)).catch(() => {});
}

async function endRival(): Promise<void> {
  await runInDurableObject(rival(), (_, ctx) => ctx.storage.deleteAlarm()).catch(() => {});
  await abortObject(rival());
}

/** The node matches the job and has not declined it. */
function couldTake({ nodeId, labels }: SeededAgent, job: JobRecord, executions: Rows['executions']): boolean {
  const hasDeclined = [...executions.values()].some(
    (e) => e.nodeId === nodeId && e.jobId === job.id && e.jobVersion === job.version && e.computeState === DECLINED,
  );
  return !hasDeclined && meets(labels, job.needs.constraints);
}

const DECLINED = 'AskForBidRejected';
