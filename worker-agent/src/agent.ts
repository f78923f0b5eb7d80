import type { NodeId } from '@shoal/schema/ids';
import { MAX_HOSTNAME_CHARS } from '@shoal/schema/limits';
import type { Resources } from '@shoal/schema/job/job';
import { SHOAL_VERSION } from '@shoal/schema/version';
import { ownerOffers, type Offers, type Policy } from './executions/admission.ts';
import type { Engine } from './engines/engine.ts';
import type { Journal } from './journal/journal.ts';
import type { LogLinks } from './logs/links.ts';
import type { LogShelf } from './logs/shelf.ts';
import { errorText, pause, type Cancel, type Clock, type Log, type Random } from './ports.ts';
import { Session, type Dial, type Greeting } from './link/session.ts';
import { Supervisor } from './executions/supervisor.ts';

/** Everything outside the agent; a simulation brings its own of each. */
export interface AgentPorts {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly engine: Engine;
  readonly journal: Journal;
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

const ENGINE_CHECK_MS = 15_000;
/** Left-over containers are looked for when the engine comes and then this many checks apart. */
const SWEEP_EVERY = 20;
/** An agent that stops waits this long for its tasks to end, and then for its reports to be taken. */
const STOP_TASKS_MS = 7_000;
const STOP_REPORTS_MS = 1_500;
/** For cleaning up in the engine, which may hang. */
const STOP_ENGINE_MS = 2_000;
const STOP_LOGS_MS = 1_000;
const POLL_MS = 20;

/** One agent: a session, a supervisor and an engine that comes and goes. */
export class Agent {
  readonly #ports: AgentPorts;
  readonly #identity: Identity;
  readonly #session: Session;
  readonly #supervisor: Supervisor;
  #engineReady = false;
  #isolates = false;
  #engineError: string | null = null;
  #checks = 0;
  #cancelCheck: Cancel = () => {};
  #stopped = false;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(ports: AgentPorts, identity: Identity) {
    this.#ports = ports;
    this.#identity = identity;
    const { clock, random, log, dial, engine, journal, logs } = ports;
    this.#supervisor = new Supervisor({
      clock,
      log,
      engine,
      journal,
      send: (frame) => this.#session.send(frame),
      offers: () => this.#offers(),
      ...(logs !== undefined && {
        logs: logs.shelf,
        openLog: (executionId, token) => void logs.links.open(executionId, token),
      }),
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

  /** Takes up what a former agent left, looks for the engine and dials. Resolves after the first look. */
  async start(): Promise<void> {
    this.#supervisor.recover();
    await this.#ports.logs?.shelf.recover((executionId) => this.#supervisor.wanted(executionId));
    await this.#checkEngine();
    if (!this.#stopped) this.#session.start();
  }

  /**
   * Ends the tasks, reports them, removes their containers and says goodbye. Resolves within about ten seconds, also when
   * the engine hangs; what is not acknowledged by then is in the journal and is reported at the next start.
   */
  async stop(reason: string): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelCheck();
    this.#ports.log.info('agent.stopping', { reason });
    // Before the first task is reported as ended: what replaces it must not come here.
    this.#session.sendCapacity();
    this.#supervisor.shutDown();
    await Promise.race([this.#supervisor.idle(), pause(this.#ports.clock, STOP_TASKS_MS)]);
    await this.#awaitReports();
    await Promise.race([this.#closeEngine(), pause(this.#ports.clock, STOP_ENGINE_MS)]);
    await this.#ports.logs?.shelf.stored(STOP_LOGS_MS);
    this.#session.stop(reason);
    this.#ports.logs?.links.stop();
    await this.#ports.logs?.shelf.close();
    this.#ports.log.info('agent.stopped', { unacknowledged: this.#supervisor.unacknowledged });
  }

  async #closeEngine(): Promise<void> {
    // What a former agent left is as much this one's to clean up.
    await this.#sweeping;
    await this.#ports.engine.close?.().catch(() => {});
  }

  async #awaitReports(): Promise<void> {
    const deadline = this.#ports.clock.monotonic() + STOP_REPORTS_MS;
    while (this.#session.active && this.#supervisor.unacknowledged > 0 && this.#ports.clock.monotonic() < deadline) {
      await pause(this.#ports.clock, POLL_MS);
    }
  }

  async #checkEngine(): Promise<void> {
    const { engine, log, clock } = this.#ports;
    const health = await engine.probe();
    if (this.#stopped) return;
    const came = health.ready && !this.#engineReady;
    const went = !health.ready && this.#engineReady;
    this.#engineReady = health.ready;
    this.#isolates = health.ready && health.isolates === true;
    const error = health.ready ? null : health.error;
    if (health.ready && came) log.info('engine.ready', { engine: engine.type, description: health.description });
    if (!health.ready && error !== this.#engineError) {
      log.warn('engine.missing', { engine: engine.type, error, hint: health.hint, retryMs: ENGINE_CHECK_MS });
    }
    this.#engineError = error;
    if (came || went) {
      this.#supervisor.setEngineReady(health.ready);
      this.#session.sendCapacity();
    }
    const due = came || this.#checks % SWEEP_EVERY === 0;
    if (health.ready && (this.#supervisor.takeLeftBehind() || due)) this.#sweeping = this.#sweep();
    this.#checks += 1;
    this.#cancelCheck = clock.after(ENGINE_CHECK_MS, () => void this.#checkEngine());
  }

  /** Removes containers of this node that nobody wants: of stopped, declined and forgotten executions. */
  async #sweep(): Promise<void> {
    const { engine, log } = this.#ports;
    try {
      for (const { executionId } of await engine.list()) {
        if (this.#supervisor.wanted(executionId)) continue;
        log.info('container.swept', { executionId });
        await engine.remove(executionId);
      }
    } catch (error) {
      log.warn('sweep.failed', { error: errorText(error) });
    }
  }

  #offers(): Offers {
    return {
      engines: this.#engineReady && !this.#stopped ? [this.#ports.engine.type] : [],
      publishers: ['noop'],
      sources: [],
      capacity: this.#identity.capacity,
      policy: this.#identity.policy,
      isolates: this.#isolates,
    };
  }

  #greeting(): Greeting {
    const { nodeId, instance, os, arch, hostname, labels, capacity } = this.#identity;
    const offers = this.#offers();
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
