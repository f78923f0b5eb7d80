import type { NodeAction } from '../../src/core/commands.ts';
import type { NodeId } from '../../schema/ids.ts';
import { isTerminalJobState } from '../../schema/states.ts';
import { EngineRules } from './checks/engine-rules.ts';
import { Liveness } from './checks/liveness.ts';
import { isOpen } from './checks/rows.ts';
import { StoreRules } from './checks/store-rules.ts';
import { UserRules } from './checks/user-rules.ts';
import { Base } from './world/base.ts';
import { heal, unleash } from './world/chaos.ts';
import { Database } from './world/database.ts';
import { probe, randomPlan, randomType, zones } from './world/job-plan.ts';
import { Machine, type NodePlan } from './world/machine.ts';
import { ObjectHost } from './world/object-host.ts';
import type { Rng } from './world/rng.ts';
import { Users } from './world/users.ts';

/** How a seed ended. */
export interface Result {
  readonly seed: number;
  readonly violation: string | null;
  readonly steps: number;
  readonly lines: readonly string[];
  readonly lineCount: number;
  readonly hash: string;
  readonly totals: ReadonlyMap<string, number>;
  readonly isCalm: boolean;
}

const SECOND = 1_000;
/** Some ten times more than any seed needs. */
const MAX_STEPS = 100_000;
/** Until everybody has dialled again: an agent that only a person can help waits up to two minutes. */
const RECOVERY_MS = 150 * SECOND;
const WORK_MS = 90 * SECOND;
const SETTLE_MS = 180 * SECOND;
/** Left-over containers are looked for every five minutes. */
const SWEEP_MS = 330 * SECOND;

/** As often as they are named. */
const nodeActions: readonly NodeAction[] = [
  ...Array.from({ length: 6 }, (): NodeAction => 'approve'),
  ...(['reject', 'reject', 'reject', 'drain', 'drain', 'drain', 'resume', 'resume', 'delete'] satisfies NodeAction[]),
];

/** One installation under one seed: faults and users for some minutes, then fair weather in which everything must mend. */
export class Simulation {
  readonly #base: Base;
  readonly #database: Database;
  readonly #host: ObjectHost;
  readonly #machines: readonly Machine[];
  readonly #users: Users;
  readonly #userRules: UserRules;
  readonly #liveness: Liveness;
  readonly #isCalm: boolean;

  constructor(seed: number, keepTrace: boolean) {
    const base = new Base(seed, keepTrace);
    this.#base = base;
    this.#isCalm = base.rng.chance(0.15);
    this.#database = new Database(base);
    this.#host = new ObjectHost(base, this.#database);
    this.#machines = makeNodes(base.rng).map((plan) => new Machine(base, this.#host, plan));
    if (base.rng.chance(0.3)) this.#host.newMembership = 'PENDING';
    const byId = new Map(this.#machines.map((machine) => [machine.nodeId as string, machine]));
    const { rows } = this.#database;
    const engineRules = new EngineRules(base, rows, byId);
    const storeRules = new StoreRules(base, rows, (execution) => engineRules.ended(execution));
    this.#database.onCommit = (batch, write) => storeRules.commit(batch, write);
    for (const machine of this.#machines) machine.onStart = (id) => engineRules.started(machine, id);
    this.#userRules = new UserRules(base, rows);
    this.#liveness = new Liveness(base, rows, storeRules, byId);
    this.#users = new Users(base, this.#host, this.#database, this.#userRules);
  }

  /** Something went wrong outside any rule: an error that nobody handled. */
  fail(error: unknown): void {
    this.#base.violate(`an error that nobody handled: ${error instanceof Error ? error.stack : String(error)}`);
  }

  async run(): Promise<Result> {
    const { rng, timeline } = this.#base;
    for (const machine of this.#machines) timeline.after(rng.int(0, 20 * SECOND), () => machine.start());
    const chaosMs = rng.int(90, 300) * SECOND;
    this.#planUsers(chaosMs);
    if (!this.#isCalm) unleash(this.#targets, chaosMs);
    await this.#pass(chaosMs);
    heal(this.#targets);
    this.#operate();
    await this.#pass(RECOVERY_MS);
    this.#checkShutOut();
    this.#watch();
    await this.#probe();
    await this.#pass(WORK_MS);
    await this.#stopAll();
    await this.#settle();
    this.#userRules.finally(this.#users.jobs.values());
    const { seed, violation, trace, totals } = this.#base;
    totals.count(this.#isCalm ? 'seed calm' : 'seed with faults');
    return {
      seed,
      violation,
      steps: timeline.steps,
      lines: trace.lines,
      lineCount: trace.count,
      hash: trace.hash,
      totals: totals.counts,
      isCalm: this.#isCalm,
    };
  }

  get #targets() {
    return { base: this.#base, database: this.#database, host: this.#host, machines: this.#machines };
  }

  /** Lets time pass, up to the first violation. */
  async #pass(ms: number, done: () => boolean = () => false): Promise<void> {
    const { timeline } = this.#base;
    const end = timeline.now + ms;
    if (this.#base.violation !== null) return;
    await timeline.run(end, () => {
      if (timeline.steps > MAX_STEPS) this.#base.violate('[6] something goes round and round');
      return this.#base.violation !== null || done();
    });
  }

  /** Users act at random moments: new jobs, updates of old ones, stops. */
  #planUsers(withinMs: number): void {
    const { rng, timeline } = this.#base;
    const count = rng.int(5, 40);
    const act = () => {
      const jobs = [...this.#users.jobs.values()];
      const kind = jobs.length === 0 ? 0 : rng.next();
      if (kind < 0.55) {
        const plan = randomPlan(rng, randomType(rng));
        return void this.#users.submit(`job-${this.#users.jobs.size + 1}`, plan);
      }
      const job = rng.pick(jobs);
      if (kind < 0.72) {
        const plan = rng.chance(0.3) ? job.plan : randomPlan(rng, job.plan.type);
        return void this.#users.submit(job.name, plan, rng.chance(0.3));
      }
      if (kind < 0.8) return void this.#users.rerun(job);
      if (kind < 0.9) return void this.#users.stop(job);
      void this.#users.changeNode(rng.pick(this.#machines).nodeId, rng.pick(nodeActions));
    };
    for (let i = 0; i < count; i++) timeline.after(rng.int(0, withinMs), act);
    if (this.#host.newMembership === 'APPROVED') return;
    for (const { nodeId } of this.#machines) {
      timeline.after(rng.int(SECOND, withinMs), () => void this.#users.changeNode(nodeId, 'approve'));
    }
  }

  /** The operator's last word: most nodes may work again, some stay out. */
  #operate(): void {
    const { rng } = this.#base;
    for (const { nodeId } of this.#machines) {
      if (rng.chance(0.85)) void this.#users.changeNode(nodeId, 'approve');
      if (rng.chance(0.85)) void this.#users.changeNode(nodeId, 'resume');
    }
  }

  /** Promise 8: nothing runs on a node that may not work, now that it could hear of it. */
  #checkShutOut(): void {
    for (const { nodeId, engine } of this.#machines) {
      const node = this.#database.rows.nodes.get(nodeId);
      if (node?.membership === 'APPROVED' && node.deletedAt === 0) continue;
      this.#base.totals.count('node shut out');
      if (engine.running.length > 0) this.#base.violate(`[8] ${nodeId} is shut out and runs ${engine.running.length}`);
    }
  }

  /** From here on nobody waits without a reason. */
  #watch(): void {
    const { timeline, violation } = this.#base;
    if (violation !== null) return;
    timeline.after(SECOND, () => {
      this.#liveness.look();
      this.#watch();
    });
  }

  /** New jobs that any node can take, in fair weather. */
  async #probe(): Promise<void> {
    for (const machine of this.#machines) {
      const node = this.#database.rows.nodes.get(machine.nodeId);
      if (node !== undefined && (node.membership === 'REJECTED' || node.deletedAt > 0)) continue;
      if (machine.isConnected) this.#base.totals.count('probed node');
      else this.#base.violate(`[6] ${machine.nodeId} is not connected ${RECOVERY_MS} ms after all was well`);
    }
    for (let i = 0; i < 3; i++) void this.#users.submit(`probe-${i}`, probe);
    await this.#pass(0);
  }

  /** Ends what would run or wait for ever. */
  async #stopAll(): Promise<void> {
    for (const job of this.#users.jobs.values()) {
      const stored = [...this.#database.rows.jobs.values()].find((one) => one.job.name === job.name);
      if (stored === undefined || isTerminalJobState(stored.job.state)) continue;
      job.jobId ??= stored.job.id;
      void this.#users.stop(job);
    }
    await this.#pass(0);
  }

  /** Everything comes to an end: jobs, executions, charges, containers. */
  async #settle(): Promise<void> {
    const { rows } = this.#database;
    const isSettled = () =>
      this.#users.pending === 0 &&
      [...rows.jobs.values()].every(({ job }) => isTerminalJobState(job.state)) &&
      [...rows.executions.values()].every(({ execution }) => !isOpen(execution) || this.#isGone(execution.nodeId));
    await this.#pass(SETTLE_MS, isSettled);
    if (!isSettled()) return this.#unsettled();
    await this.#checkCharges();
    const isEmpty = () => this.#machines.every((machine) => machine.engine.size === 0);
    await this.#pass(SWEEP_MS, isEmpty);
    if (this.#base.violation === null && !isEmpty()) this.#base.violate('[7] containers were left on a node');
  }

  #unsettled(): void {
    const { rows } = this.#database;
    for (const { job } of rows.jobs.values()) {
      if (!isTerminalJobState(job.state)) return this.#base.violate(`[7] ${job.name} is still ${job.state}`);
    }
    for (const { execution: e } of rows.executions.values()) {
      if (isOpen(e) && !this.#isGone(e.nodeId))
        return this.#base.violate(`[7] ${e.id.slice(0, 10)} on ${e.nodeId} is still ${e.computeState}`);
    }
    this.#base.violate('[1] a command got no answer');
  }

  /** A deleted node never says what became of its executions; they end by their own deadline, a day later. */
  #isGone(nodeId: NodeId): boolean {
    return (this.#database.rows.nodes.get(nodeId)?.deletedAt ?? 0) > 0;
  }

  /** By the Scheduler's own word, all that the nodes have is free again. */
  async #checkCharges(): Promise<void> {
    let isAnswered = false;
    void this.#host
      .call((shell) => shell.liveNodes())
      .then((nodes) => {
        isAnswered = true;
        for (const { nodeId, available, runningExecutions } of nodes) {
          if (this.#isGone(nodeId)) continue;
          const capacity = this.#database.rows.nodes.get(nodeId)?.info.capacity;
          if (runningExecutions !== 0 || available.cpu !== capacity?.cpu || available.memory !== capacity.memory) {
            this.#base.violate(`[4] ${nodeId} has ${JSON.stringify(available)} left of ${JSON.stringify(capacity)}`);
          }
        }
      });
    await this.#pass(10 * SECOND, () => isAnswered);
    if (!isAnswered) this.#base.violate('[6] the Scheduler does not answer');
  }
}

function makeNodes(rng: Rng): NodePlan[] {
  return Array.from({ length: rng.int(3, 7) }, (_, i) => {
    const cpu = rng.pick([1, 2, 2, 4]);
    return {
      nodeId: `n-${i + 1}` as NodeId,
      capacity: { cpu, memory: cpu * 500_000_000, disk: 10_000_000_000, gpu: 0 },
      labels: { zone: rng.pick(zones), size: String(cpu) },
    };
  });
}
