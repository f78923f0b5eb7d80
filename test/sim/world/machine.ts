import type { ExecutionId, NodeId } from '../../../schema/ids.ts';
import type { Resources } from '../../../schema/job/job.ts';
import type { Policy } from '../../../worker-agent/src/executions/admission.ts';
import { Agent } from '../../../worker-agent/src/agent.ts';
import { FakeEngine, type Script } from '../../../worker-agent/src/engines/fake.ts';
import type { RunSpec } from '../../../schema/protocol/to-agent.ts';
import { pause, type Clock, type Log } from '../../../worker-agent/src/ports.ts';
import type { Dial } from '../../../worker-agent/src/link/session.ts';
import type { Base } from './base.ts';
import { GuardedEngine } from './guarded-engine.ts';
import { JournalDisk } from './journal-disk.ts';
import { Link } from './link.ts';
import type { ObjectHost } from './object-host.ts';
import { scriptOf } from './script.ts';

/** What a node is made of. */
export interface NodePlan {
  readonly nodeId: NodeId;
  readonly capacity: Resources;
  readonly labels: Readonly<Record<string, string>>;
  readonly policy: Policy;
  /** Linux capabilities that its owner gives. */
  readonly capabilities: readonly string[];
  /** False: an agent of before, which does not say what its owner allows. */
  readonly saysOffers: boolean;
}

/** One process of the agent; what a dead one still tries has no effect. */
class AgentProcess {
  isAlive = true;
  link: Link | null = null;
  readonly agent: Agent;

  constructor(make: (process: AgentProcess) => Agent) {
    this.agent = make(this);
  }
}

/** A machine: its containers, disk and clock outlive the agents that run on it. */
export class Machine {
  readonly nodeId: NodeId;
  plan: NodePlan;
  readonly engine: FakeEngine;
  disk: JournalDisk;
  /** How far its wall clock is off. */
  offsetMs = 0;
  /** The network between it and the object is down until then. */
  unreachableUntil = 0;
  engineAwayUntil = 0;
  /** An agent here started without the journal of the one before: what ran before is not known to it. */
  hasLostJournal = false;
  /** What was placed here and really started, by the engine's word. */
  readonly scripts = new Map<ExecutionId, Script>();
  /** Called when a container was started. */
  onStart: (executionId: ExecutionId) => void = () => {};
  process: AgentProcess | null = null;
  isLost = false;
  readonly #base: Base;
  readonly #host: ObjectHost;

  constructor(base: Base, host: ObjectHost, plan: NodePlan) {
    this.#base = base;
    this.#host = host;
    this.plan = plan;
    this.nodeId = plan.nodeId;
    this.disk = new JournalDisk(base.timeline, base.rng);
    this.engine = new FakeEngine(
      this.#clock(() => true, 0),
      (run) => this.#script(run),
      { capabilities: plan.capabilities },
    );
  }

  get isConnected(): boolean {
    return this.process?.link?.isOpen === true;
  }

  start(): void {
    if (this.process !== null || this.isLost) return;
    this.#base.trace.line(`${this.nodeId} starts its agent`);
    const process = new AgentProcess((self) => this.#makeAgent(self));
    this.process = process;
    void process.agent.start();
  }

  /** The process is killed where it stands. @param saysSo  whether its connection is seen to end */
  crash(saysSo = this.#base.rng.chance(0.7)): void {
    const { process } = this;
    if (process === null) return;
    process.isAlive = false;
    this.process = null;
    process.link?.agentDied(saysSo);
    this.#base.trace.line(`${this.nodeId} loses its agent`);
  }

  /** It goes dark, and nobody sees its connection end. It comes back only when it is found. */
  lose(): void {
    this.crash(false);
    this.isLost = true;
  }

  find(): void {
    if (!this.isLost) return;
    this.isLost = false;
    this.start();
  }

  /** SIGTERM: the agent ends its tasks, reports them and says goodbye. */
  async shutDown(): Promise<void> {
    const { process } = this;
    if (process === null) return;
    await process.agent.stop('asked to');
    // Killed while it was stopping, another one may be up already.
    process.isAlive = false;
    if (this.process === process) this.process = null;
    this.#base.trace.line(`${this.nodeId} shut its agent down`);
  }

  loseJournal(): void {
    this.hasLostJournal = true;
    this.disk = new JournalDisk(this.#base.timeline, this.#base.rng);
  }

  setEngineReachable(reachable: boolean): void {
    this.engine.setReachable(reachable);
  }

  #makeAgent(process: AgentProcess): Agent {
    const { rng } = this.#base;
    const clock = this.#clock(() => process.isAlive, this.#base.timeline.now);
    const journal = this.disk.open(() => process.isAlive);
    const { nodeId, capacity, labels, policy } = this.plan;
    return new Agent(
      {
        dial: this.#dial(process),
        clock,
        random: () => rng.next(),
        log: this.#log(),
        engines: [
          new GuardedEngine(this.engine, {
            isAlive: () => process.isAlive,
            wait: () => pause(clock, rng.int(0, 30)),
            started: (executionId) => this.onStart(executionId),
          }),
        ],
        journal,
      },
      {
        nodeId,
        instance: rng.uuid(),
        os: 'linux',
        arch: 'amd64',
        hostname: nodeId,
        labels,
        capacity,
        policy,
      },
    );
  }

  #clock(isAlive: () => boolean, startedAt: number): Clock {
    const { timeline } = this.#base;
    return {
      now: () => timeline.now + this.offsetMs,
      monotonic: () => timeline.now - startedAt,
      after: (delayMs, run) => timeline.after(delayMs, () => isAlive() && run()),
    };
  }

  #dial(process: AgentProcess): Dial {
    const { timeline, rng, weather } = this.#base;
    return (events) => {
      const name = this.nodeId;
      const isAgentAlive = () => process.isAlive;
      const link = new Link(this.#base, this.#host, { name, events, isAgentAlive });
      const isDown = () => timeline.now < this.unreachableUntil;
      const fails = isDown() || rng.chance(weather.dialFails);
      timeline.after(isDown() ? rng.int(50, 15_000) : rng.int(2, 20), () => {
        if (!process.isAlive || process.link !== link) return;
        if (!fails && !isDown()) return link.open();
        this.#base.fault('dial fails', name);
        if (rng.chance(0.5)) events.closed({ kind: 'unreachable', error: 'ECONNREFUSED' });
        else events.closed({ kind: 'refused', status: 503, body: 'not ready' });
      });
      process.link = link;
      return this.plan.saysOffers
        ? link.agentEnd
        : { ...link.agentEnd, send: (frame) => link.agentEnd.send(before(frame)) };
    };
  }

  #script(run: RunSpec): Script {
    const script = scriptOf(run, this.#base.rng);
    this.scripts.set(run.executionId, script);
    return script;
  }

  #log(): Log {
    const line = (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      this.#base.totals.count(`agent ${event}`);
      const { executionId } = fields;
      if (typeof executionId === 'string') this.#base.trace.line(`${this.nodeId} ${event} ${executionId.slice(0, 10)}`);
    };
    return { info: line, warn: line, error: line };
  }
}

/** The frame as an agent of before says it. */
function before(text: string): string {
  // A heartbeat is no JSON.
  if (!text.startsWith('{')) return text;
  return JSON.stringify(JSON.parse(text), (key, value: unknown) => (key === 'offers' ? undefined : value));
}
