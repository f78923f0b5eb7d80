import type { NodeAction } from '../../src/core/commands.ts';
import type { NodeId } from '../../schema/ids.ts';
import { isTerminalJobState } from '../../schema/states.ts';
import { EngineRules } from './checks/engine-rules.ts';
import { Liveness } from './checks/liveness.ts';
import { isLive } from './checks/rows.ts';
import { settle } from './checks/settled.ts';
import { StoreRules } from './checks/store-rules.ts';
import { UserRules } from './checks/user-rules.ts';
import { Base } from './world/base.ts';
import { heal, unleash } from './world/chaos.ts';
import { Database } from './world/database.ts';
import { failingProbe, hopelessProbe, longProbe, probe, randomPlan, randomType, zones } from './world/job-plan.ts';
import { Machine, type NodePlan } from './world/machine.ts';
import { ObjectHost } from './world/object-host.ts';
import type { Rng } from './world/rng.ts';
import { Users } from './world/users.ts';
import { randomPolicy } from './world/asks.ts';
import { obstacles, playScene, type Obstacle } from './world/scenes.ts';

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
/** The last moments before all is well, when frames are likely to be lost. */
const LAST_BLOW_MS = 4 * SECOND;
/** Fair weather with work; where a job may have to wait for its turn more than once, longer. */
const WORK_MS = 90 * SECOND;
const LONG_WORK_MS = 210 * SECOND;

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
  readonly #scene: Obstacle | null;
  readonly #workMs: number;

  constructor(seed: number, keepTrace: boolean) {
    const base = new Base(seed, keepTrace);
    this.#base = base;
    this.#isCalm = base.rng.chance(0.15);
    this.#scene = base.rng.chance(0.6) ? base.rng.pick(obstacles) : null;
    this.#workMs = this.#scene === 'hoarded' || this.#scene === 'crowded' ? LONG_WORK_MS : WORK_MS;
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
    this.#planScene(chaosMs);
    if (this.#isCalm) this.#watch();
    else unleash(this.#targets, chaosMs);
    await this.#pass(chaosMs - LAST_BLOW_MS);
    if (!this.#isCalm && rng.chance(0.6)) this.#strikeLast();
    await this.#pass(LAST_BLOW_MS);
    heal(this.#targets);
    this.#loseOne();
    this.#operate();
    await this.#pass(RECOVERY_MS);
    this.#checkShutOut();
    this.#checkLost();
    if (!this.#isCalm) this.#watch();
    await this.#probe();
    await this.#pass(this.#workMs);
    this.#checkLost();
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
    const count = rng.chance(0.35) ? rng.int(3, 8) : rng.int(10, 45);
    const act = () => {
      const jobs = [...this.#users.jobs.values()].filter(({ name }) => name.startsWith('job-'));
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
    // Some act at the very end: what they set off is lost with the last faults, and has to mend in fair weather.
    const when = () => rng.int(rng.chance(0.2) ? withinMs - LAST_BLOW_MS : 0, withinMs);
    for (let i = 0; i < count; i++) timeline.after(when(), act);
    if (this.#host.newMembership === 'APPROVED') return;
    for (const { nodeId } of this.#machines) {
      timeline.after(rng.int(SECOND, withinMs), () => void this.#users.changeNode(nodeId, 'approve'));
    }
  }

  /** In calm seeds there is time for it to go on for long; else its end falls into fair weather. */
  #planScene(chaosMs: number): void {
    const rng = this.#base.rng.fork();
    const obstacle = this.#scene;
    if (obstacle === null) return;
    const { now } = this.#base.timeline;
    const begins = this.#isCalm ? rng.int(25 * SECOND, chaosMs) : chaosMs + rng.int(-30 * SECOND, 140 * SECOND);
    const ends = chaosMs + RECOVERY_MS + this.#workMs - LAST_BLOW_MS;
    const stage = { base: this.#base, users: this.#users, rows: this.#database.rows };
    playScene(stage, rng, { obstacle, begins: now + begins, ends: now + ends });
  }

  /** The operator's last word: most nodes may work again, some stay out. */
  #operate(): void {
    const { rng } = this.#base;
    for (const { nodeId } of this.#machines) {
      if (rng.chance(0.85)) void this.#users.changeNode(nodeId, 'approve');
      if (rng.chance(0.85)) void this.#users.changeNode(nodeId, 'resume');
    }
  }

  /** One machine that does not come back when all is well again, and whose connection nobody saw ending. */
  #loseOne(): void {
    const { rng } = this.#base;
    const busy = this.#machines.filter(({ process, engine }) => process !== null && engine.running.length > 0);
    if (busy.length === 0 || !rng.chance(0.5)) return;
    const machine = rng.pick(busy);
    this.#base.fault('machine lost', machine.nodeId);
    machine.lose();
  }

  /** Nothing is wanted any more of a machine that has been silent for so long. */
  #checkLost(): void {
    for (const { nodeId, isLost } of this.#machines) {
      if (!isLost) continue;
      for (const { execution: e } of this.#database.rows.executions.values()) {
        if (e.nodeId === nodeId && isLive(e))
          this.#base.violate(`[6] ${e.id.slice(0, 10)} waits for ${nodeId}, which is lost`);
      }
    }
  }

  /** Promise 8: nothing runs on a node that may not work, now that it could hear of it. */
  #checkShutOut(): void {
    for (const { nodeId, engine, isLost } of this.#machines) {
      const node = this.#database.rows.nodes.get(nodeId);
      if (isLost || (node?.membership === 'APPROVED' && node.deletedAt === 0)) continue;
      this.#base.totals.count('node shut out');
      if (engine.running.length > 0) this.#base.violate(`[8] ${nodeId} is shut out and runs ${engine.running.length}`);
    }
  }

  /** Frames are lost up to the last moment, and with them what users ask for now. */
  #strikeLast(): void {
    const { rng, weather, timeline } = this.#base;
    weather.frameLost = 0.6;
    for (const job of this.#users.jobs.values()) {
      if (rng.chance(0.3)) timeline.after(rng.int(0, LAST_BLOW_MS), () => void this.#users.stop(job));
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
      if (machine.isLost) continue;
      const node = this.#database.rows.nodes.get(machine.nodeId);
      if (node !== undefined && (node.membership === 'REJECTED' || node.deletedAt > 0)) continue;
      if (machine.isConnected) this.#base.totals.count('probed node');
      else this.#base.violate(`[6] ${machine.nodeId} is not connected ${RECOVERY_MS} ms after all was well`);
    }
    const plans = [probe, probe, probe, longProbe, failingProbe];
    plans.forEach((plan, i) => void this.#users.submit(`probe-${i}`, plan));
    // When the rest is under way and the object is still awake: its deadline comes after that of a lease.
    this.#base.timeline.after(6 * SECOND, () => void this.#users.submit('probe-hopeless', hopelessProbe));
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

  #settle(): Promise<void> {
    for (const machine of this.#machines) machine.find();
    return settle({
      base: this.#base,
      rows: this.#database.rows,
      host: this.#host,
      machines: this.#machines,
      users: this.#users,
      pass: (ms, done) => this.#pass(ms, done),
    });
  }
}

function makeNodes(rng: Rng): NodePlan[] {
  return Array.from({ length: rng.int(3, 7) }, (_, i) => {
    const cpu = rng.pick([1, 2, 2, 4]);
    return {
      nodeId: `n-${i + 1}` as NodeId,
      capacity: { cpu, memory: cpu * 500_000_000, disk: 10_000_000_000, gpu: 0 },
      labels: { name: `n-${i + 1}`, zone: rng.pick(zones), size: String(cpu) },
      ...randomPolicy(rng),
      saysOffers: rng.chance(0.4),
    };
  });
}
