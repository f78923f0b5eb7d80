import type { ExecutionId } from '@shoal/schema/ids';
import { MAX_MESSAGE_BYTES } from '@shoal/schema/limits';
import type { Held } from '@shoal/schema/protocol/common';
import type { Ack, Reject, Report } from '@shoal/schema/protocol/from-agent';
import type { RunSpec, Welcome } from '@shoal/schema/protocol/to-agent';
import { cutText } from '@shoal/schema/text';
import type { Engine } from '../engines/engine.ts';
import type { EngineRoster } from '../engines/roster.ts';
import type { Journal } from '../journal/journal.ts';
import type { Entry } from '../journal/ledger.ts';
import type { StopRequest } from '../journal/records.ts';
import { Outbox } from '../link/outbox.ts';
import type { Order } from '../link/session.ts';
import { errorText, pause, type Log } from '../ports.ts';
import { admit, sumResources, type Offers } from './admission.ts';
import { outcomeOfStop, reportOf } from './outcome.ts';
import { runTask, type Ran } from './runner.ts';
import { handOf, reactions, reportedState, runOf, type Hand, type Slot } from './slot.ts';
import type { StepPorts } from './steps/step.ts';
import { steps } from './steps/steps.ts';

export interface SupervisorPorts extends Omit<StepPorts, 'engine'> {
  readonly log: Log;
  readonly engines: Pick<EngineRoster, 'find' | 'isReady'>;
  readonly journal: Journal;
  /** Puts a frame on the wire; false when there is no welcomed connection. */
  readonly send: (frame: Ack | Reject | Report) => boolean;
  /** For tasks of that engine; null for those of one that is not here. */
  readonly offers: (engine: Engine | null) => Offers;
  readonly openLog?: (executionId: ExecutionId, token: string) => void;
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
  /** Why nothing is taken at present; null when it is. */
  #closedFor: string | null = null;
  #stopping: string | null = null;
  /** How many executions that have ended are being cleaned up. */
  #cleaning = 0;
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
      if (entry.state === 'live') this.#adopt(entry);
      else if (entry.state === 'ended' && !entry.acknowledged) this.#outbox.put(entry.report);
      if (entry.state === 'live') this.#ports.log.info('task.recovered', { executionId, started: entry.started });
    }
  }

  /** For `hello`: what runs here, and what ended and is not acknowledged. */
  holds(): Held[] {
    const held: Held[] = [];
    for (const [executionId, slot] of this.#slots) {
      const state = reportedState(slot);
      if (state !== null) held.push({ executionId, state, lastSeq: state === 'Running' ? RUNNING_SEQ : 0 });
    }
    for (const report of this.#outbox) {
      if (!this.wanted(report.executionId)) {
        held.push({ executionId: report.executionId, state: report.state, lastSeq: report.seq });
      }
    }
    return held;
  }

  get unacknowledged(): number {
    return this.#outbox.size;
  }

  /** Ids whose containers and folders are wanted: all others of this node are left-overs. */
  wanted(executionId: ExecutionId): boolean {
    const slot = this.#slots.get(executionId);
    return slot !== undefined && handOf(slot) !== null;
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
    for (const slot of this.#slots.values()) if (handOf(slot)?.engine === engine) this.#launch(slot);
  }

  /** Acts on one frame. Frames of one execution take effect in the order they came. */
  order(frame: Order): void {
    switch (frame.type) {
      case 'run':
      case 'stop':
      case 'keep':
        return this.#react(frame);
      case 'ackReport':
        return this.#acknowledged(frame.executionId, frame.seq);
      case 'openLog':
        return this.#ports.openLog?.(frame.executionId, frame.token);
    }
  }

  /** Ends everything here, with Cancelled; resolves as `idle` does. */
  stopAll(reason: string): void {
    this.#endAll({ kind: 'stop', message: reason });
  }

  /** Ends everything here for the agent to go down; the executions fail without spending their job's attempts. */
  shutDown(): void {
    this.#stopping = 'the agent is stopping';
    this.#endAll({ kind: 'shutdown', message: 'agent stopped' });
  }

  /** Resolves once no execution is left here; their containers are removed too. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  #react(frame: Extract<Order, { type: 'run' | 'stop' | 'keep' }>): void {
    const { executionId } = frame;
    const slot = this.#slots.get(executionId);
    const request: StopRequest = { kind: 'stop', message: frame.type === 'stop' ? frame.reason : '' };
    switch (reactions[slot?.state ?? 'absent'][frame.type]) {
      case 'nothing':
        return;
      case 'look':
        return this.#look(frame);
      case 'acknowledge':
        return void this.#ports.send({ type: 'ack', executionId });
      case 'note':
      case 'stop':
        return this.#end(slot, request);
      case 'close':
        return this.#close(executionId);
      case 'decline':
        return void this.#decline(executionId, slot?.state === 'undeclared' ? slot.reason : '');
    }
  }

  /** Acts on an order about what this agent has not in hand. */
  #look(frame: Extract<Order, { type: 'run' | 'stop' | 'keep' }>): void {
    const { executionId } = frame;
    const entry = this.#ports.journal.entries.get(executionId);
    if (entry?.state === 'ended') return this.#answerFinished(entry);
    if (frame.type === 'stop') return this.#close(executionId);
    if (frame.type === 'keep') return;
    if (entry?.state === 'rejected') {
      return void this.#ports.send({ type: 'reject', executionId, reason: entry.reason });
    }
    if (entry === undefined) this.#consider(runOf(frame));
  }

  #consider(run: RunSpec): void {
    const closed = this.#stopping ?? this.#closedFor;
    if (closed !== null) return void this.#decline(run.executionId, closed);
    const hands = [...this.#slots.values()].flatMap((slot) => handOf(slot) ?? []);
    const engine = this.#ports.engines.find(run.task.Engine.Type);
    const task = engine?.examine(run) ?? null;
    const admission = admit(
      task ?? { run, refusals: [] },
      this.#ports.offers(engine),
      sumResources(hands.map((hand) => hand.run.resources)),
    );
    if (!admission.ok) return void this.#decline(run.executionId, admission.reason);
    const adopted = { started: false, ran: null, phases: {} };
    const since = this.#ports.clock.monotonic();
    void this.#take({ run, engine, task, network: admission.network, adopted, since });
  }

  async #take(hand: Hand): Promise<void> {
    const { run, network } = hand;
    const { executionId } = run;
    const { journal, log, send } = this.#ports;
    this.#slots.set(executionId, { state: 'taking', hand, request: null });
    try {
      await journal.append({ type: 'taken', executionId, run, network });
    } catch (error) {
      return this.#untake(executionId, error);
    }
    const taken = this.#slots.get(executionId);
    const request = taken?.state === 'taking' ? taken.request : null;
    const slot = { state: 'waiting', hand, request: null, stop: new AbortController() } as const;
    this.#slots.set(executionId, slot);
    send({ type: 'ack', executionId });
    log.info('task.taken', { executionId, jobId: run.jobId });
    // A stop that came while this was being written could not be written before it.
    if (request !== null) await this.#abort(slot, request);
    this.#launch(this.#slots.get(executionId));
  }

  /** Declines what was to be taken and could not be written. */
  async #untake(executionId: ExecutionId, error: unknown): Promise<void> {
    const { journal, clock, log, send } = this.#ports;
    const reason = `the node cannot write its journal: ${errorText(error)}`;
    this.#slots.set(executionId, { state: 'declining' });
    await journal.append({ type: 'forgotten', executionId }).catch(() => {});
    // Should the same `run` come again once the disk can be written, it must get the same answer.
    await journal.append({ type: 'rejected', executionId, reason, at: clock.now() }).catch(() => {});
    this.#leave(executionId, 'declining');
    log.error('journal.failed', { executionId, error: errorText(error) });
    send({ type: 'reject', executionId, reason });
    this.#settle();
  }

  async #decline(executionId: ExecutionId, reasons: string): Promise<void> {
    const { journal, clock, log, send } = this.#ports;
    const reason = cutText(reasons, MAX_MESSAGE_BYTES);
    this.#slots.set(executionId, { state: 'declining' });
    // The promise of never running it must outlive this process; if it cannot be written, it is not given.
    try {
      await journal.append({ type: 'rejected', executionId, reason, at: clock.now() });
    } catch (error) {
      log.error('journal.failed', { executionId, error: errorText(error) });
      if (this.#slots.get(executionId)?.state === 'declining') {
        this.#slots.set(executionId, { state: 'undeclared', reason });
      }
      return;
    }
    this.#leave(executionId, 'declining');
    log.info('task.rejected', { executionId, reason });
    send({ type: 'reject', executionId, reason });
  }

  /** Writes down that something is over which this agent never had, or never will have. */
  #close(executionId: ExecutionId): void {
    const entry = this.#ports.journal.entries.get(executionId);
    const message = entry?.state === 'rejected' ? `declined: ${entry.reason}` : 'not known here';
    this.#slots.set(executionId, { state: 'closing' });
    void this.#finish(executionId, { outcome: { type: 'cancelled', message, output: null }, phases: {} }, null);
  }

  #acknowledged(executionId: ExecutionId, seq: number): void {
    this.#outbox.acknowledged(executionId, seq);
    const entry = this.#ports.journal.entries.get(executionId);
    if (entry?.state !== 'ended' || entry.acknowledged || entry.report.seq !== seq) return;
    // Losing this record costs one needless report.
    void this.#ports.journal.append({ type: 'acknowledged', executionId, seq }).catch(() => {});
  }

  #answerFinished({ report }: Extract<Entry, { state: 'ended' }>): void {
    if (this.#outbox.get(report.executionId) === undefined) this.#outbox.put(report);
  }

  #endAll(request: StopRequest): void {
    for (const slot of this.#slots.values()) this.#end(slot, request);
  }

  #end(slot: Slot | undefined, request: StopRequest): void {
    if (slot === undefined || !('request' in slot) || slot.request !== null) return;
    if (slot.state === 'taking') this.#slots.set(slot.hand.run.executionId, { ...slot, request });
    else void this.#abort(slot, request);
  }

  async #abort(slot: Extract<Slot, { state: 'waiting' | 'launched' }>, request: StopRequest): Promise<void> {
    const { executionId } = slot.hand.run;
    this.#slots.set(executionId, { ...slot, request });
    this.#ports.log.info('task.stopping', { executionId, reason: request.message });
    await this.#ports.journal.append({ type: 'stopping', executionId, request }).catch(() => {});
    slot.stop.abort(request);
    const now = this.#slots.get(executionId);
    if (now?.state !== 'waiting' || now.hand.adopted.started) return;
    // It waits for an engine that does not answer, and never began: there is nothing to wait for.
    this.#slots.set(executionId, { state: 'ending', hand: now.hand, isRunning: false });
    await this.#finish(executionId, { outcome: outcomeOfStop(request, null), phases: {} }, now.hand);
  }

  #adopt(entry: Extract<Entry, { state: 'live' }>): void {
    const { run, network, started, ran, phases, stop } = entry;
    const engine = this.#ports.engines.find(run.task.Engine.Type);
    const since = this.#ports.clock.monotonic();
    const hand: Hand = { run, engine, task: null, network, adopted: { started, ran, phases }, since };
    const controller = new AbortController();
    if (stop !== null) controller.abort(stop);
    this.#slots.set(run.executionId, { state: 'waiting', hand, request: stop, stop: controller });
  }

  #launch(slot: Slot | undefined): void {
    if (slot?.state !== 'waiting') return;
    const { hand } = slot;
    if (hand.engine === null || !this.#ports.engines.isReady(hand.engine)) return;
    this.#slots.set(hand.run.executionId, { ...slot, state: 'launched', isRunning: hand.adopted.started });
    void this.#runToEnd(hand, hand.engine, slot.stop.signal);
  }

  async #runToEnd(hand: Hand, engine: Engine, stop: AbortSignal): Promise<void> {
    const { clock, journal, log } = this.#ports;
    const { run, network } = hand;
    const { executionId } = run;
    const queue = Math.round(clock.monotonic() - hand.since);
    const adopted = hand.adopted.started ? hand.adopted : { ...hand.adopted, phases: { queue } };
    const task = hand.task ?? engine.examine(run);
    const ran = await runTask(
      { ...this.#ports, engine },
      { task, network, adopted, stop },
      {
        record: (record) => {
          if (record.type === 'starting') this.#update(executionId, true);
          return journal.append(record);
        },
        running: () => {
          this.#update(executionId, true);
          log.info('task.running', { executionId, jobId: run.jobId });
          this.#outbox.put({ type: 'report', executionId, seq: RUNNING_SEQ, state: 'Running' });
        },
        stopping: (request) => journal.append({ type: 'stopping', executionId, request }),
      },
    );
    const slot = this.#slots.get(executionId);
    const isRunning = slot?.state === 'launched' && slot.isRunning;
    this.#slots.set(executionId, { state: 'ending', hand, isRunning });
    await this.#finish(executionId, ran, hand);
  }

  #update(executionId: ExecutionId, isRunning: boolean): void {
    const slot = this.#slots.get(executionId);
    if (slot?.state === 'launched') this.#slots.set(executionId, { ...slot, isRunning });
  }

  /** Writes down and reports an end, then cleans up; `hand` is null when nothing ever ran here. */
  async #finish(executionId: ExecutionId, { outcome, phases }: Ran, hand: Hand | null): Promise<void> {
    const report = reportOf(executionId, FINAL_SEQ, outcome, phases);
    await this.#journalEnd(report);
    this.#slots.delete(executionId);
    const failure = outcome.type === 'failed' ? { class: outcome.failure.class, error: outcome.failure.message } : {};
    this.#ports.log.info('task.ended', { executionId, outcome: outcome.type, ...failure, phases });
    this.#outbox.put(report);
    if (hand !== null && hand.engine !== null) await this.#cleanUp(executionId, hand.engine);
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

  /** Takes back what each step made, the last one first; what cannot be is left to the sweep. */
  async #cleanUp(executionId: ExecutionId, engine: Engine): Promise<void> {
    this.#cleaning += 1;
    for (const step of steps.toReversed()) {
      try {
        await step.undo?.({ engine, folders: this.#ports.folders }, executionId);
      } catch (error) {
        this.#leftBehind.add(engine);
        this.#ports.log.warn('step.left', { executionId, step: step.name, error: errorText(error) });
      }
    }
    this.#cleaning -= 1;
  }

  /** Forgets a slot, unless something else has happened to it. */
  #leave(executionId: ExecutionId, state: Slot['state']): void {
    if (this.#slots.get(executionId)?.state === state) this.#slots.delete(executionId);
  }

  #isIdle(): boolean {
    return this.#cleaning === 0 && [...this.#slots.values()].every((slot) => handOf(slot) === null);
  }

  #settle(): void {
    if (!this.#isIdle()) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
