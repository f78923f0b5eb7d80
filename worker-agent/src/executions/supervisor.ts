import type { ExecutionId } from '@shoal/schema/ids';
import { MAX_MESSAGE_BYTES } from '@shoal/schema/limits';
import type { Held } from '@shoal/schema/protocol/common';
import type { Ack, Reject, Report } from '@shoal/schema/protocol/from-agent';
import type { Run, RunSpec, Welcome } from '@shoal/schema/protocol/to-agent';
import { cutText } from '@shoal/schema/text';
import { admit, sumResources, type Offers } from './admission.ts';
import type { ContainerNetwork, Engine, Examined } from '../engines/engine.ts';
import type { EngineRoster } from '../engines/roster.ts';
import type { Journal } from '../journal/journal.ts';
import type { Entry } from '../journal/ledger.ts';
import { type StopRequest } from '../journal/records.ts';
import type { LogRecorder } from '../logs/recorder.ts';
import { outcomeOfStop, reportOf, type Outcome } from './outcome.ts';
import { Outbox } from '../link/outbox.ts';
import { errorText, pause, type Clock, type Log } from '../ports.ts';
import { runTask } from './runner.ts';
import type { Order } from '../link/session.ts';

export interface SupervisorPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly engines: Pick<EngineRoster, 'find' | 'isReady'>;
  /** The node's variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly journal: Journal;
  /** Puts a frame on the wire; false when there is no welcomed connection. */
  readonly send: (frame: Ack | Reject | Report) => boolean;
  /** For tasks of that engine; null for those of one that is not here. */
  readonly offers: (engine: Engine | null) => Offers;
  /** Writes down what tasks print. */
  readonly logs: LogRecorder;
  readonly openLog?: (executionId: ExecutionId, token: string) => void;
}

/** One execution that is not over here. */
interface Slot {
  readonly run: RunSpec;
  /** Null while this agent has none of its type. */
  readonly engine: Engine | null;
  /** As its engine read it; null for what a former agent took, until it is launched. */
  readonly task: Examined | null;
  readonly network: ContainerNetwork;
  /** Set as the stop is asked for; the signal is aborted once that is in the journal. */
  request: StopRequest | null;
  readonly stop: AbortController;
  /** False until its `taken` is durable: before that nobody hears of it. */
  known: boolean;
  started: boolean;
  launched: boolean;
  state: 'BidAccepted' | 'Running';
}

const JOURNAL_RETRY_MS = 5_000;
const RUNNING_SEQ = 1;
const FINAL_SEQ = 2;

/**
 * Holds what the Scheduler wants against what is here: takes, declines, stops and reports executions. Everything is
 * journalled before it has an effect outside, so that a restarted agent goes on where this one was killed.
 */
export class Supervisor {
  readonly #ports: SupervisorPorts;
  readonly #outbox: Outbox;
  readonly #slots = new Map<ExecutionId, Slot>();
  /** Executions whose end is not durable yet, though the journal shows it: nobody hears of it before it is. */
  readonly #writing = new Set<ExecutionId>();
  /** Declined, with a record that could not be written: nobody has heard of it, and it is tried again when asked again. */
  readonly #unwritten = new Set<ExecutionId>();
  /** Why nothing is taken at present; null when it is. */
  #closedFor: string | null = null;
  #stopping: string | null = null;
  #removing = 0;
  /** Engines that have a container which could not be removed. */
  readonly #leftBehind = new Set<Engine>();
  #idleWaiters: (() => void)[] = [];

  constructor(ports: SupervisorPorts) {
    this.#ports = ports;
    this.#outbox = new Outbox(ports.clock, ports.send);
  }

  /** Takes up what the journal says a former agent held. Call once, before the session starts. */
  recover(): void {
    for (const [executionId, entry] of this.#ports.journal.entries) {
      if (entry.state === 'live') this.#resume(entry);
      else if (entry.state === 'ended' && !entry.acknowledged) this.#outbox.put(entry.report);
      if (entry.state === 'live') this.#ports.log.info('task.recovered', { executionId, started: entry.started });
    }
  }

  /** For `hello`: what runs here, and what ended and is not acknowledged. */
  holds(): Held[] {
    const held: Held[] = [];
    for (const [executionId, slot] of this.#slots) {
      if (slot.known)
        held.push({ executionId, state: slot.state, lastSeq: slot.state === 'Running' ? RUNNING_SEQ : 0 });
    }
    for (const report of this.#outbox) {
      if (!this.#slots.has(report.executionId)) {
        held.push({ executionId: report.executionId, state: report.state, lastSeq: report.seq });
      }
    }
    return held;
  }

  get unacknowledged(): number {
    return this.#outbox.size;
  }

  /** Ids whose containers are wanted: all others with this node's label are left-overs. */
  wanted(executionId: ExecutionId): boolean {
    return this.#slots.has(executionId);
  }

  /** Whether some container of an engine could not be removed since this was last asked. */
  takeLeftBehind(engine: Engine): boolean {
    return this.#leftBehind.delete(engine);
  }

  welcomed(mode: Welcome['mode']): void {
    this.#closedFor = mode === 'active' ? null : 'this node may not run tasks until it is approved';
    this.#outbox.connected();
  }

  disconnected(): void {
    this.#outbox.disconnected();
  }

  /** An engine answers that did not: what waited for it starts. */
  engineCame(engine: Engine): void {
    for (const slot of this.#slots.values()) if (slot.engine === engine) this.#launch(slot);
  }

  /** Acts on one frame. Frames of one execution take effect in the order they came. */
  order(frame: Order): void {
    switch (frame.type) {
      case 'run':
        return this.#run(runOf(frame));
      case 'stop':
        return this.#stop(frame.executionId, frame.reason);
      case 'keep':
        return this.#keep(frame.executionId);
      case 'ackReport':
        return this.#acknowledged(frame.executionId, frame.seq);
      case 'openLog':
        return this.#ports.openLog?.(frame.executionId, frame.token);
    }
  }

  /** Ends everything here, with Cancelled; resolves as `idle` does. */
  stopAll(reason: string): void {
    for (const slot of this.#slots.values()) this.#end(slot, { kind: 'stop', message: reason });
  }

  /** Ends everything here for the agent to go down; the executions fail without spending their job's attempts. */
  shutDown(): void {
    this.#stopping = 'the agent is stopping';
    for (const slot of this.#slots.values()) this.#end(slot, { kind: 'shutdown', message: 'agent stopped' });
  }

  /** Resolves once no execution is left here; their containers are removed too. */
  idle(): Promise<void> {
    if (this.#slots.size + this.#removing === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  #run(run: RunSpec): void {
    const { executionId } = run;
    const slot = this.#slots.get(executionId);
    if (slot !== undefined) {
      if (slot.known) this.#ports.send({ type: 'ack', executionId });
      return;
    }
    const entry = this.#ports.journal.entries.get(executionId);
    if (entry?.state === 'rejected' && this.#unwritten.has(executionId)) {
      return void this.#reject(executionId, entry.reason);
    }
    if (entry !== undefined && entry.state !== 'live') return this.#answerFinished(executionId, entry);
    const used = sumResources([...this.#slots.values()].map((one) => one.run.resources));
    const closed = this.#stopping ?? this.#closedFor;
    if (closed !== null) return void this.#reject(executionId, closed);
    const engine = this.#ports.engines.find(run.task.Engine.Type);
    const task = engine?.examine(run) ?? null;
    const admission = admit(task ?? { run, refusals: [] }, this.#ports.offers(engine), used);
    if (admission.ok) void this.#take(makeSlot({ run, engine, task, network: admission.network }));
    else void this.#reject(executionId, admission.reason);
  }

  async #take(slot: Slot): Promise<void> {
    const { run, network } = slot;
    const { executionId } = run;
    this.#slots.set(executionId, slot);
    try {
      await this.#ports.journal.append({ type: 'taken', executionId, run, network });
    } catch (error) {
      this.#slots.delete(executionId);
      const reason = `the node cannot write its journal: ${errorText(error)}`;
      const at = this.#ports.clock.now();
      await this.#ports.journal.append({ type: 'forgotten', executionId }).catch(() => {});
      // Should the same `run` come again once the disk can be written, it must get the same answer.
      await this.#ports.journal.append({ type: 'rejected', executionId, reason, at }).catch(() => {});
      this.#ports.log.error('journal.failed', { executionId, error: errorText(error) });
      this.#ports.send({ type: 'reject', executionId, reason });
      this.#settle();
      return;
    }
    slot.known = true;
    this.#ports.send({ type: 'ack', executionId });
    this.#ports.log.info('task.taken', { executionId, jobId: run.jobId });
    // A stop that came while this was being written could not be written before it.
    if (slot.request !== null) await this.#abort(slot, slot.request);
    this.#launch(slot);
  }

  async #reject(executionId: ExecutionId, reasons: string): Promise<void> {
    const reason = cutText(reasons, MAX_MESSAGE_BYTES);
    const at = this.#ports.clock.now();
    this.#unwritten.delete(executionId);
    this.#writing.add(executionId);
    // The promise of never running it must outlive this process; if it cannot be written, it is not given.
    try {
      await this.#ports.journal.append({ type: 'rejected', executionId, reason, at });
    } catch (error) {
      this.#ports.log.error('journal.failed', { executionId, error: errorText(error) });
      this.#unwritten.add(executionId);
      return;
    } finally {
      this.#writing.delete(executionId);
    }
    this.#ports.log.info('task.rejected', { executionId, reason });
    this.#ports.send({ type: 'reject', executionId, reason });
  }

  #stop(executionId: ExecutionId, reason: string): void {
    const slot = this.#slots.get(executionId);
    if (slot !== undefined) return this.#end(slot, { kind: 'stop', message: reason });
    const entry = this.#ports.journal.entries.get(executionId);
    if (entry?.state === 'ended') return this.#answerFinished(executionId, entry);
    const message = entry?.state === 'rejected' ? `declined: ${entry.reason}` : 'not known here';
    void this.#finish(executionId, { type: 'cancelled', message, output: null }, null);
  }

  #keep(executionId: ExecutionId): void {
    const entry = this.#ports.journal.entries.get(executionId);
    if (entry?.state === 'ended') this.#answerFinished(executionId, entry);
  }

  #acknowledged(executionId: ExecutionId, seq: number): void {
    this.#outbox.acknowledged(executionId, seq);
    const entry = this.#ports.journal.entries.get(executionId);
    if (entry?.state !== 'ended' || entry.acknowledged || entry.report.seq !== seq) return;
    // Losing this record costs one needless report.
    void this.#ports.journal.append({ type: 'acknowledged', executionId, seq }).catch(() => {});
  }

  #answerFinished(executionId: ExecutionId, entry: Exclude<Entry, { state: 'live' }>): void {
    if (this.#writing.has(executionId)) return;
    if (entry.state === 'rejected') this.#ports.send({ type: 'reject', executionId, reason: entry.reason });
    else if (this.#outbox.get(executionId) === undefined) this.#outbox.put(entry.report);
  }

  #end(slot: Slot, request: StopRequest): void {
    if (slot.request !== null) return;
    slot.request = request;
    if (slot.known) void this.#abort(slot, request);
  }

  async #abort(slot: Slot, request: StopRequest): Promise<void> {
    const { executionId } = slot.run;
    this.#ports.log.info('task.stopping', { executionId, reason: request.message });
    await this.#ports.journal.append({ type: 'stopping', executionId, request }).catch(() => {});
    slot.stop.abort(request);
    if (slot.launched || slot.started) return;
    // It waits for an engine that does not answer, and never began: there is nothing to wait for.
    slot.launched = true;
    await this.#finish(executionId, outcomeOfStop(request, null), slot);
  }

  #resume(entry: Entry & { state: 'live' }): void {
    const { run, network, started, stop } = entry;
    const slot = makeSlot({ run, engine: this.#ports.engines.find(run.task.Engine.Type), task: null, network });
    slot.known = true;
    slot.started = started;
    if (started) slot.state = 'Running';
    this.#slots.set(run.executionId, slot);
    if (stop === null) return;
    slot.request = stop;
    slot.stop.abort(stop);
  }

  #launch(slot: Slot): void {
    const { engine } = slot;
    if (engine === null || !this.#ports.engines.isReady(engine) || slot.launched || !slot.known) return;
    slot.launched = true;
    void this.#runToEnd(slot, engine);
  }

  async #runToEnd(slot: Slot, engine: Engine): Promise<void> {
    const { clock, journal, logs, env } = this.#ports;
    const { executionId } = slot.run;
    const { network, started } = slot;
    const task = { task: slot.task ?? engine.examine(slot.run), network, started, stop: slot.stop.signal };
    const outcome = await runTask({ engine, clock, logs, env }, task, {
      starting: () => {
        slot.started = true;
        return journal.append({ type: 'starting', executionId });
      },
      running: () => {
        slot.state = 'Running';
        this.#ports.log.info('task.running', { executionId, jobId: slot.run.jobId });
        this.#outbox.put({ type: 'report', executionId, seq: RUNNING_SEQ, state: 'Running' });
      },
      stopping: (request) => journal.append({ type: 'stopping', executionId, request }),
    });
    await this.#finish(executionId, outcome, slot);
  }

  /** Writes down and reports an end, then cleans up; `slot` is null when nothing ever ran here. */
  async #finish(executionId: ExecutionId, outcome: Outcome, slot: Slot | null): Promise<void> {
    const report = reportOf(executionId, FINAL_SEQ, outcome);
    this.#writing.add(executionId);
    await this.#journalEnd(report);
    this.#writing.delete(executionId);
    if (slot !== null) this.#slots.delete(executionId);
    const failure = outcome.type === 'failed' ? { class: outcome.failure.class, error: outcome.failure.message } : {};
    this.#ports.log.info('task.ended', { executionId, outcome: outcome.type, ...failure });
    this.#outbox.put(report);
    if (slot !== null && slot.engine !== null) await this.#removeContainer(slot.engine, executionId);
    this.#settle();
  }

  /** Nothing is reported that is not durable, however long the disk stays full. */
  async #journalEnd(report: Report): Promise<void> {
    const { journal, clock, log } = this.#ports;
    for (;;) {
      try {
        return await journal.append({ type: 'ended', executionId: report.executionId, report, at: clock.now() });
      } catch (error) {
        log.error('journal.failed', { executionId: report.executionId, error: errorText(error) });
      }
      await pause(clock, JOURNAL_RETRY_MS);
    }
  }

  async #removeContainer(engine: Engine, executionId: ExecutionId): Promise<void> {
    this.#removing += 1;
    try {
      await engine.remove(executionId);
    } catch (error) {
      this.#leftBehind.add(engine);
      this.#ports.log.warn('container.left', { executionId, error: errorText(error) });
    }
    this.#removing -= 1;
  }

  #settle(): void {
    if (this.#slots.size + this.#removing > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

function makeSlot(of: Pick<Slot, 'run' | 'engine' | 'task' | 'network'>): Slot {
  const stop = new AbortController();
  return { ...of, request: null, stop, known: false, started: false, launched: false, state: 'BidAccepted' };
}

/** Without the header of the session that it came by. */
function runOf({ type: _type, epoch: _epoch, session: _session, ...run }: Run): RunSpec {
  return run;
}
