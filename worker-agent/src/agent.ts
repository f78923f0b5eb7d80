import type { NodeId } from '@shoal/schema/ids';
import { MAX_HOSTNAME_CHARS } from '@shoal/schema/limits';
import type { Resources } from '@shoal/schema/job/job';
import { SHOAL_VERSION } from '@shoal/schema/version';
import { ownerOffers, type Offers, type Policy } from './executions/admission.ts';
import type { Engine } from './engines/engine.ts';
import { EngineRoster, type Look } from './engines/roster.ts';
import { WorkFolders } from './executions/folders.ts';
import type { Input } from './inputs/input.ts';
import { inputs as allInputs } from './inputs/inputs.ts';
import type { Journal } from './journal/journal.ts';
import { headRecorder } from './logs/head-recorder.ts';
import type { LogLinks } from './logs/links.ts';
import type { LogShelf } from './logs/shelf.ts';
import { errorText, pause, type Clock, type Log, type Random } from './ports.ts';
import type { Publisher } from './publishers/publisher.ts';
import { publishers as allPublishers } from './publishers/publishers.ts';
import { Session, type Dial, type Greeting } from './link/session.ts';
import { Supervisor } from './executions/supervisor.ts';

/** Everything outside the agent; a simulation brings its own of each. */
export interface AgentPorts {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** One of each type. */
  readonly engines: readonly Engine[];
  readonly journal: Journal;
  /** Where tasks have their inputs and results; absent: no task has any on this machine's disk. */
  readonly workFolder?: string;
  /** Where inputs come from, one of each type; absent: all that this agent has. */
  readonly inputs?: readonly Input[];
  /** Where results go, one of each type; absent: all that this agent has. */
  readonly publishers?: readonly Publisher[];
  /** The machine's variables, for tasks that its owner lets have some; absent means none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Absent where nobody cares what tasks print. */
  readonly logs?: { readonly shelf: LogShelf; readonly links: LogLinks };
}

export interface Identity {
  readonly nodeId: NodeId;
  /** New with every start of the process. */
  readonly instance: string;
  readonly os: string;
  readonly arch: string;
  /** What the machine calls itself. */
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Resources;
  readonly policy: Policy;
}

/** Left-over containers are looked for when an engine comes and then this many looks apart. */
const SWEEP_EVERY = 20;
/** An agent that stops waits this long for its tasks to end, and then for its reports to be taken. */
const STOP_TASKS_MS = 7_000;
const STOP_REPORTS_MS = 1_500;
/** For cleaning up in the engine, which may hang. */
const STOP_ENGINE_MS = 2_000;
const STOP_LOGS_MS = 1_000;
const POLL_MS = 20;

/** One agent: a session, a supervisor and engines that come and go. */
export class Agent {
  readonly #ports: AgentPorts;
  readonly #identity: Identity;
  readonly #session: Session;
  readonly #supervisor: Supervisor;
  readonly #roster: EngineRoster;
  readonly #folders: WorkFolders | null;
  readonly #kinds: { readonly inputs: readonly Input[]; readonly publishers: readonly Publisher[] };
  #stopped = false;
  readonly #sweeping = new Map<Engine, Promise<void>>();

  constructor(ports: AgentPorts, identity: Identity) {
    this.#ports = ports;
    this.#identity = identity;
    const { clock, random, log, dial, engines, journal, logs, env = {} } = ports;
    const { inputs = allInputs, publishers = allPublishers, workFolder } = ports;
    this.#folders = workFolder === undefined ? null : new WorkFolders(workFolder);
    this.#kinds = { inputs, publishers };
    this.#roster = new EngineRoster(engines, { clock, log }, (engine, look) => this.#looked(engine, look));
    this.#supervisor = new Supervisor({
      clock,
      log,
      engines: this.#roster,
      env,
      inputs,
      publishers,
      folders: this.#folders,
      journal,
      send: (frame) => this.#session.send(frame),
      offers: (engine) => this.#offers(engine),
      logs: logs?.shelf ?? headRecorder,
      openLog: (executionId, token) => void logs?.links.open(executionId, token),
    });
    this.#session = new Session(
      { dial, clock, random, log },
      {
        greeting: () => this.#greeting(),
        holds: () => this.#supervisor.holds(),
        welcomed: (mode) => {
          this.#supervisor.welcomed(mode);
          // The orchestrator stops what it knows; here all that runs is known.
          if (mode === 'stopOnly') this.#supervisor.stopAll('this node may not run tasks');
          logs?.shelf.setConnected(true);
        },
        order: (frame) => this.#supervisor.order(frame),
        disconnected: () => {
          this.#supervisor.disconnected();
          logs?.shelf.setConnected(false);
        },
        banished: (reason) => this.#supervisor.stopAll(reason),
      },
    );
  }

  /** Takes up what a former agent left, looks for the engines and dials. Resolves after the first look. */
  async start(): Promise<void> {
    this.#supervisor.recover();
    await this.#ports.logs?.shelf.recover((executionId) => this.#supervisor.wanted(executionId));
    await this.#sweepFolders();
    await this.#roster.start();
    if (!this.#stopped) this.#session.start();
  }

  /**
   * Ends the tasks, reports them, removes their containers and says goodbye. Resolves within about ten seconds, also when
   * the engine hangs; what is not acknowledged by then is in the journal and is reported at the next start.
   */
  async stop(reason: string): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#roster.stop();
    this.#ports.log.info('agent.stopping', { reason });
    // Before the first task is reported as ended: what replaces it must not come here.
    this.#session.sendCapacity();
    this.#supervisor.shutDown();
    await Promise.race([this.#supervisor.idle(), pause(this.#ports.clock, STOP_TASKS_MS)]);
    await this.#awaitReports();
    await Promise.race([this.#closeEngines(), pause(this.#ports.clock, STOP_ENGINE_MS)]);
    await this.#ports.logs?.shelf.stored(STOP_LOGS_MS);
    this.#session.stop(reason);
    this.#ports.logs?.links.stop();
    await this.#ports.logs?.shelf.close();
    this.#ports.log.info('agent.stopped', { unacknowledged: this.#supervisor.unacknowledged });
  }

  async #closeEngines(): Promise<void> {
    await Promise.all(
      this.#roster.all.map(async (engine) => {
        // What a former agent left is as much this one's to clean up.
        await this.#sweeping.get(engine);
        await engine.close?.().catch(() => {});
      }),
    );
  }

  async #awaitReports(): Promise<void> {
    const deadline = this.#ports.clock.monotonic() + STOP_REPORTS_MS;
    while (this.#session.active && this.#supervisor.unacknowledged > 0 && this.#ports.clock.monotonic() < deadline) {
      await pause(this.#ports.clock, POLL_MS);
    }
  }

  #looked(engine: Engine, { ready, changed, earlier }: Look): void {
    if (changed) {
      if (ready) this.#supervisor.engineCame(engine);
      this.#session.sendCapacity();
    }
    const due = changed || earlier % SWEEP_EVERY === 0;
    if (ready && (this.#supervisor.takeLeftBehind(engine) || due)) this.#sweeping.set(engine, this.#sweep(engine));
  }

  /** Removes containers of this node that nobody wants: of stopped, declined and forgotten executions. */
  async #sweep(engine: Engine): Promise<void> {
    const { log } = this.#ports;
    try {
      for (const { executionId } of await engine.list()) {
        if (this.#supervisor.wanted(executionId)) continue;
        log.info('container.swept', { executionId });
        await engine.remove(executionId);
      }
    } catch (error) {
      log.warn('sweep.failed', { engine: engine.type, error: errorText(error) });
    }
  }

  /** Removes what executions left on the disk that nobody wants any more. */
  async #sweepFolders(): Promise<void> {
    for (const executionId of (await this.#folders?.list()) ?? []) {
      if (!this.#supervisor.wanted(executionId)) await this.#folders?.remove(executionId).catch(() => {});
    }
  }

  /** @param engine whose tasks it is about; null for the node as a whole */
  #offers(engine: Engine | null): Offers {
    const { mounts, isolates, capabilities } = (engine ?? this.#roster).offers();
    const { inputs, publishers } = this.#kinds;
    const hasFolders = this.#folders !== null;
    return {
      engines: this.#roster.types,
      publishers: publishers.filter(({ collects }) => hasFolders || !collects).map(({ type }) => type),
      sources: hasFolders && mounts ? inputs.map(({ type }) => type) : [],
      capacity: this.#identity.capacity,
      policy: this.#identity.policy,
      isolates,
      capabilities,
    };
  }

  #greeting(): Greeting {
    const { nodeId, instance, os, arch, hostname, labels, capacity } = this.#identity;
    const offers = this.#offers(null);
    const { engines, publishers, sources } = offers;
    return {
      nodeId,
      agentInstance: instance,
      agentVersion: SHOAL_VERSION,
      os,
      arch,
      hostname: hostname.slice(0, MAX_HOSTNAME_CHARS),
      labels: { ...labels },
      engines: [...engines],
      publishers: [...publishers],
      sources: [...sources],
      capacity: { ...capacity },
      offers: ownerOffers(offers),
    };
  }
}
