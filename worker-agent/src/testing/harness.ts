import { NodeId } from '@shoal/schema/ids';
import type { Report } from '@shoal/schema/protocol/from-agent';
import { Agent, type AgentPorts } from '../agent.ts';
import { FakeEngine, type Script } from '../engines/fake.ts';
import { MemoryJournal } from '../journal/memory-journal.ts';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeNetwork, type FakeSocket } from './fake-socket.ts';
import { silentLog } from './run-spec.ts';

/** What outlives an agent. */
interface World {
  readonly clock: FakeClock;
  readonly engine: FakeEngine;
  /** Of its agents, beside or in place of the usual ones. */
  readonly ports: Partial<AgentPorts>;
}

/** A whole agent on fake ports; what outlives it (engine, clock, durable journal) is handed on to the next one. */
export class Harness {
  readonly clock: FakeClock;
  readonly engine: FakeEngine;
  readonly network = new FakeNetwork();
  readonly #world: World;
  journal: MemoryJournal;
  agent: Agent;

  private constructor(world: World, journal: MemoryJournal) {
    const { clock, engine, ports } = world;
    this.#world = world;
    this.clock = clock;
    this.engine = engine;
    this.journal = journal;
    this.agent = new Agent(
      { dial: this.network.dial, clock, random: () => 0.5, log: silentLog, engines: [engine], journal, ...ports },
      {
        nodeId: NodeId.parse('n-test'),
        instance: 'i-1',
        os: 'linux',
        arch: 'amd64',
        hostname: 'box',
        labels: {},
        capacity: { cpu: 2, memory: 1e9, disk: 1e9, gpu: 0 },
        policy: { allowHostNetwork: false, unfilteredBridge: false },
      },
    );
  }

  /** A started agent with a welcomed connection. */
  static async start(script: (run: RunSpec) => Script = () => ({ runMs: 1_000 })): Promise<Harness> {
    const clock = new FakeClock();
    return Harness.startIn({ clock, engine: new FakeEngine(clock, script), ports: {} });
  }

  static async startIn(world: World): Promise<Harness> {
    const harness = new Harness(world, new MemoryJournal());
    await harness.#connect();
    return harness;
  }

  /** The agent is killed; another starts with what is durable. The killed one's further doings are not seen. */
  async killAndRestart(): Promise<Harness> {
    this.network.last.end({ kind: 'closed', code: 1006, reason: '' });
    const next = new Harness(this.#world, this.journal.reopen());
    // Nothing that the dead process still does may reach the journal that counts.
    this.journal.failure = new Error('dead');
    await next.#connect();
    return next;
  }

  async run(run: RunSpec): Promise<void> {
    await this.order({ type: 'run', ...run });
  }

  async stop(executionId: string, reason = 'not wanted'): Promise<void> {
    await this.order({ type: 'stop', executionId, reason });
  }

  async order(frame: object): Promise<void> {
    this.network.last.receive({ epoch: 1, session: 's-1', ...frame });
    await settle();
  }

  get socket(): FakeSocket {
    return this.network.last;
  }

  /** `ack`, `reject`, `report Running` and so on, in the order they went out on this connection. */
  get said(): string[] {
    return this.socket.frames.slice(1).map((one) => {
      const detail = one.type === 'report' ? ` ${String(one['state'])}` : '';
      return `${one.type}${detail}`;
    });
  }

  get reports(): Report[] {
    return this.socket.frames.filter((one) => one.type === 'report') as unknown as Report[];
  }

  async #connect(): Promise<void> {
    await this.agent.start();
    await settle();
    this.socket.events.open();
    this.socket.welcome();
    await settle();
  }
}
