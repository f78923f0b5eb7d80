import { backoffMs } from '../../schema/backoff.ts';
import type { EvaluationId, ExecutionId, NodeId } from '../../schema/ids.ts';
import type { ToAgent } from '../../schema/protocol/to-agent.ts';
import { resourcesOf } from '../../schema/amounts.ts';
import type { DryRunAnswer, LiveNode, SubmitJob } from '../core/commands.ts';
import { dryRun } from '../core/dry-run.ts';
import { decide, isCommand, type CoreEvent, type Reply } from '../core/decide.ts';
import { settle } from '../core/look.ts';
import { Turn, type Env } from '../core/turn.ts';
import { countFromSending } from '../core/dispatch.ts';
import { World } from '../core/world.ts';
import type { Batch, FenceRow } from '../store/store.ts';
import { commitForSure, SILENCE_MS, StoreSilent } from './commit.ts';
import { Housekeeping } from './housekeeping.ts';
import { hydrate } from './hydrate.ts';
import { Inbox } from './inbox.ts';
import type { Waiting } from './lanes.ts';
import { Outbox } from './outbox.ts';
import { misleads } from './overdue.ts';
import type { Ports, Settings } from './ports.ts';
import { Tally } from './tally.ts';
import {
  describe,
  failureFor,
  Fenced,
  isOfWholeTurn,
  Refused,
  unanswered,
  unreadableReport,
  Unwritable,
} from './turn-failure.ts';

/** Between turns that fail. */
const PAUSES = { firstMs: 200, mostMs: 10_000 };
/** How far this object's clock may be behind the alarm's; an alarm that is earlier is an old one. */
const MAX_EARLY_MS = 1_000;
/** An alarm that is served later than this was due while nobody could run. */
const ON_TIME_MS = 10_000;

const UNKNOWN = { at: 0, besidesLeases: null };

/** What lives from a load of the world to the next. */
interface Reign {
  readonly world: World;
  fence: FenceRow;
  /** The alarm that is set, with what it says of other deadlines than leases; a time of null is none, 0 not known. */
  armed: { readonly at: number | null; readonly besidesLeases: number | null };
  now: number;
  /** Before it nobody could run for a while. */
  readonly wasAway: boolean;
  started: boolean;
}

/**
 * The turn loop: takes what waits, decides, commits, and only then speaks. Input gates do not cover D1, so it serialises
 * itself. Whatever goes wrong, the world is dropped and loaded again; nothing in it is more than a copy.
 */
export class Orchestrator {
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #inbox = new Inbox();
  readonly #outbox: Outbox;
  readonly #housekeeping: Housekeeping;
  readonly #turns: Tally<'turns' | 'events' | 'rows' | 'ms'>;
  #reign: Reign | null = null;
  #turning = false;

  constructor(ports: Ports, settings: Settings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#outbox = new Outbox(ports.store, ports.executionToken?.bind(ports));
    this.#housekeeping = new Housekeeping(settings);
    this.#turns = new Tally('turns', ports);
  }

  get isLoaded(): boolean {
    return this.#reign !== null;
  }

  /**
   * Hands in an event; resolves when its turn is committed.
   * @throws ShoalError ServiceUnavailable when the outcome of a command is not known or there is no room for it
   */
  take(event: CoreEvent, bytes: number): Promise<Reply> {
    const reply = this.#inbox.add(event, bytes);
    if (!this.#turning) void this.#run();
    return reply;
  }

  /** The alarm rang: it is not set any more. When this object's clock is a little behind, the alarm's time is taken. */
  async takeAlarm(): Promise<void> {
    const reign = this.#reign;
    if (reign !== null) {
      const at = reign.armed.at ?? 0;
      if (at - this.#ports.now() <= MAX_EARLY_MS) reign.now = Math.max(reign.now, at);
      reign.armed = UNKNOWN;
    }
    await this.take({ type: 'wake' }, 0);
  }

  /** Where a job would run. It changes nothing, so it takes no turn. @throws StoreSilent when nothing can be loaded */
  async dryRun(command: SubmitJob): Promise<DryRunAnswer> {
    if (this.#reign === null) await this.take({ type: 'wake' }, 0);
    if (this.#reign === null) throw new StoreSilent('the database does not answer');
    return dryRun(new Turn(this.#reign.world, this.#env(this.#reign)), command);
  }

  /** What only the Scheduler knows of its nodes. */
  async liveNodes(): Promise<readonly LiveNode[]> {
    if (this.#reign === null) await this.take({ type: 'wake' }, 0);
    const world = this.#reign?.world;
    if (world === undefined) return [];
    return [...world.nodes.values()].map((node) => {
      const session = world.sessions.get(node.id);
      return {
        nodeId: node.id,
        connected: session !== undefined,
        lastHeard: session === undefined ? 0 : this.#ports.lastHeard(session.id),
        available: resourcesOf(world.room(node.id).free),
        runningExecutions: world.openCount(node.id),
      };
    });
  }

  /** Has a node dial in for a log; nothing of it is state, so it takes no turn. False when the node is not connected. */
  async openLog(executionId: ExecutionId, nodeId: NodeId): Promise<boolean> {
    if (this.#reign === null) await this.take({ type: 'wake' }, 0);
    const reign = this.#reign;
    const session = reign?.world.sessions.get(nodeId)?.id;
    const token = await this.#ports.executionToken?.(executionId);
    if (reign === null || session === undefined || token === undefined) return false;
    const frame: ToAgent = { type: 'openLog', epoch: reign.fence.epoch, session, executionId, token };
    this.#ports.send(session, JSON.stringify(frame));
    return true;
  }

  async #run(): Promise<void> {
    this.#turning = true;
    let failed = 0;
    while (!this.#inbox.isEmpty) {
      await this.#inbox.letIn(() => this.#ports.sleep(0));
      const ok = await this.#takeTurn(this.#inbox.take());
      if (!ok) await this.#ports.sleep(backoffMs(PAUSES, failed));
      failed = ok ? 0 : failed + 1;
    }
    this.#turning = false;
  }

  /** Never rejects. When some event spoils the turn, each gets a turn of its own, so that only that one is refused. */
  async #takeTurn(taken: readonly Waiting[]): Promise<boolean> {
    try {
      await this.#turn(taken);
      return true;
    } catch (error) {
      this.#reign = null;
      const isOfAll = isOfWholeTurn(error);
      this.#ports.log('turn.failed', { events: taken.length, error: describe(error) }, 'error');
      const [first] = taken;
      if (first !== undefined && taken.length === 1 && !isOfAll) return this.#quarantine(first, error);
      if (isOfAll) {
        for (const { event, reject } of taken) reject(failureFor(event, error));
        return false;
      }
    }
    let ok = true;
    for (const waiting of taken) ok = (await this.#takeTurn([waiting])) && ok;
    return ok;
  }

  /** An event that fails alone. A report of that kind is recorded as a failure, so that it does not come for ever. */
  async #quarantine(waiting: Waiting, error: unknown): Promise<boolean> {
    const { event, resolve, reject } = waiting;
    if (isCommand(event) && error instanceof Refused) {
      const earlier = await this.#answeredBefore(event.command.commandId);
      if (earlier !== null) {
        resolve(earlier);
        return true;
      }
    }
    this.#ports.log('event.quarantined', { type: event.type, error: describe(error) }, 'error');
    const instead = event.type === 'frame' ? unreadableReport(event.frame, describe(error)) : null;
    if (event.type === 'frame' && instead !== null) {
      return this.#takeTurn([{ ...waiting, event: { ...event, frame: instead } }]);
    }
    reject(failureFor(event, error));
    return true;
  }

  /**
   * A command may overtake itself: it waits here while this object loads, is sent again to the one before, and carried
   * out there. Its row in D1 then refuses the second time, and has the answer. Null when there is none, or no knowing.
   */
  async #answeredBefore(commandId: string): Promise<Reply> {
    const found = await this.#ask(this.#ports.store.findCommands([commandId])).catch(() => null);
    const answer = found?.get(commandId);
    return answer === undefined ? null : { ok: true, value: JSON.parse(answer) };
  }

  async #turn(taken: readonly Waiting[]): Promise<void> {
    const reign = this.#reign ?? (await this.#load());
    const startedAt = this.#ports.now();
    const hydrated = await this.#ask(hydrate(reign.world, this.#ports.store, taken, startedAt));
    const turn = new Turn(reign.world, this.#env(reign));
    if (!reign.started) {
      decide(turn, { type: 'start', sessions: this.#ports.survivors(), wasAway: reign.wasAway });
      reign.started = true;
    }
    const replies = taken.map(({ event }) => hydrated.answers.get(event) ?? this.#decide(turn, event));
    settle(turn);
    hydrated.release();
    await this.#armAlarm(reign);
    if (turn.rowCount === 0 && taken.some(({ event }) => isCommand(event))) await this.#checkFence(reign);
    await this.#commit(reign, turn);
    await this.#speak(reign, turn);
    taken.forEach(({ resolve }, i) => resolve(replies[i] ?? null));
    const next = reign.world.timers.next();
    // The alarm was set for the same moment: should this turn fail, it comes again by that.
    if (next !== null && next <= this.#ports.now()) this.#inbox.add({ type: 'wake' }, 0).catch(() => {});
    this.#turns.add({ turns: 1, events: taken.length, rows: turn.rowCount, ms: this.#ports.now() - startedAt });
  }

  #decide(turn: Turn, event: CoreEvent): Reply {
    if (isCommand(event)) {
      const earlier = turn.answered(event.command.commandId);
      if (earlier !== null) return { ok: true, value: JSON.parse(earlier) };
    }
    const reply = decide(turn, event);
    if (isCommand(event) && 'spec' in event.command && reply?.ok === true && 'version' in reply.value) {
      this.#outbox.remember(reply.value, event.command.spec);
    }
    return reply;
  }

  async #load(): Promise<Reign> {
    const now = this.#ports.now();
    const { loaded, fence } = await this.#ask(this.#ports.store.open(this.#settings.cell, now));
    const world = new World(loaded);
    const planned = await this.#ports.plannedAlarm();
    const wasAway = planned === undefined || (planned !== null && planned < now - ON_TIME_MS);
    const notBefore = Math.floor(loaded.clock / 1000);
    this.#reign = { world, fence, armed: UNKNOWN, now: Math.max(now, notBefore), wasAway, started: false };
    this.#ports.log('world.loaded', {
      epoch: loaded.epoch,
      jobs: loaded.jobs.length,
      executions: loaded.executions.length,
      nodes: loaded.nodes.length,
    });
    return this.#reign;
  }

  /** Waits for the store's answer. @throws StoreSilent when it fails or takes too long, Unwritable when it says why */
  async #ask<T>(asked: Promise<T>): Promise<T> {
    const answer = asked.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const first = await this.#ports.within(answer, SILENCE_MS);
    if (first === undefined) throw new StoreSilent('the database does not answer');
    if ('error' in first) throw unanswered(first.error);
    return first.value;
  }

  #env(reign: Reign): Env {
    reign.now = Math.max(reign.now, this.#ports.now());
    const lastHeard = (nodeId: NodeId) => {
      const session = reign.world.sessions.get(nodeId);
      return session === undefined ? 0 : this.#ports.lastHeard(session.id);
    };
    return {
      now: reign.now,
      newExecutionId: () => `e-${this.#ports.newId()}` as ExecutionId,
      newEvaluationId: () => `v-${this.#ports.newId()}` as EvaluationId,
      lastHeard,
      isFull: this.#housekeeping.isFull,
      settings: this.#settings,
    };
  }

  /** Before the commit: an object that is evicted right after it must still be woken. */
  async #armAlarm(reign: Reign): Promise<void> {
    const at = reign.world.timers.next();
    const besidesLeases = reign.world.timers.nextBesidesLeases();
    const { armed } = reign;
    if (at === null && armed.at === null) return;
    // A needless alarm is harmless, a missing one is not; nor may it take itself for one about leases alone.
    const isSoonEnough = at !== null && armed.at !== null && armed.at <= at && armed.at > reign.now;
    const isKnown = besidesLeases === null || (armed.besidesLeases ?? Infinity) <= besidesLeases;
    if (isSoonEnough && isKnown) return;
    reign.armed = { at, besidesLeases };
    await this.#ports.armAlarm(at, besidesLeases);
  }

  /** An answer that comes without a commit must not come from a Scheduler that was replaced without knowing it. */
  async #checkFence(reign: Reign): Promise<void> {
    const fence = await this.#ask(this.#ports.store.readFence(this.#settings.cell));
    if (fence?.epoch !== reign.fence.epoch) throw new Fenced('another scheduler took over');
  }

  async #commit(reign: Reign, turn: Turn): Promise<void> {
    // Housekeeping goes along with turns that others do not wait behind; an idle installation is not woken for it.
    const prune = this.#inbox.isEmpty ? this.#housekeeping.due(reign.now) : null;
    const nextWake = reign.world.timers.next() ?? 0;
    const isRowRight =
      reign.world.reservations === reign.fence.reservations && !misleads(reign.fence.nextWake, nextWake);
    if (turn.rowCount === 0 && prune === null && isRowRight) return;
    const batch: Batch = {
      cell: this.#settings.cell,
      epoch: reign.fence.epoch,
      commitSeq: reign.fence.commitSeq,
      commitId: this.#ports.newId(),
      nextWake,
      clock: reign.world.clock,
      reservations: reign.world.reservations,
      now: reign.now,
      changes: turn.changes,
      prune,
    };
    const outcome = await commitForSure(this.#ports.store, batch, this.#ports);
    if (outcome.type === 'fenced') throw new Fenced('another scheduler took over');
    if (outcome.type === 'refused') throw new Refused(`commit refused: ${outcome.reason}`);
    if (outcome.type === 'unwritable') throw new Unwritable(outcome.failure, outcome.reason);
    if (this.#housekeeping.committed(outcome, prune, reign.now)) {
      this.#ports.log(
        'database.tight',
        { bytes: outcome.databaseBytes, retentionMs: this.#housekeeping.retentionMs },
        'warn',
      );
    }
    const { commitId, clock, reservations } = batch;
    reign.fence = { ...reign.fence, commitSeq: batch.commitSeq + 1, commitId, nextWake, clock, reservations };
  }

  async #speak(reign: Reign, turn: Turn): Promise<void> {
    for (const note of turn.notes) this.#ports.log('note', { note }, 'warn');
    for (const nodeId of turn.touchedNodes) this.#attach(reign.world, nodeId);
    // What could not be sent is sent again when its deadline passes; only a `run` needs the database.
    const failed = (error: unknown) => this.#ports.log('send.failed', { error: describe(error) }, 'error');
    const specs = (await this.#ask(this.#outbox.specsFor(turn.messages)).catch(failed)) ?? new Map();
    const frames = (await this.#outbox.frames(turn.messages, reign.fence.epoch, specs).catch(failed)) ?? [];
    for (const { message, frame } of frames) this.#ports.send(message.session, frame);
    const sent = frames.map(({ message }) => message);
    countFromSending(reign.world, sent, Math.max(reign.now, this.#ports.now()));
    for (const { session, code, reason } of turn.closings) this.#ports.close(session, code, reason);
  }

  #attach(world: World, nodeId: NodeId): void {
    const session = world.sessions.get(nodeId);
    if (session === undefined) return;
    const { id, agentInstance, connectedAt } = session;
    this.#ports.attach({ session: id, nodeId, agentInstance, connectedAt }, world.openCount(nodeId) > 0);
  }
}
