import { DurableObject } from 'cloudflare:workers';
import { DEFAULT_CELL } from '../../schema/ids.ts';
import { ShoalError } from '../../schema/errors.ts';
import { DEFAULT_QUEUE_TIMEOUT_MS } from '../../schema/limits.ts';
import { log } from '../log.ts';
import { D1Store } from '../store/d1-store.ts';
import type { Env } from '../env.ts';
import type { CoreEvent } from '../core/decide.ts';
import { armAlarm, passLeaseAlarm } from './alarm.ts';
import { Orchestrator, UnknownOutcome } from './orchestrator.ts';
import type { Ports } from './ports.ts';
import { Reception } from './reception.ts';
import type {
  Answer,
  ChangeNode,
  ChangeNodeAnswer,
  LiveNode,
  RerunJob,
  SchedulerRpc,
  StopAnswer,
  StopJob,
  SubmitAnswer,
  SubmitJob,
} from './rpc.ts';
import { Sockets } from './sockets.ts';

/** How soon an alarm that could not be served comes again. */
const ALARM_RETRY_MS = 5_000;

/**
 * The Scheduler of one cell: the wires between the runtime and the orchestrator, and nothing else. It keeps no state that
 * a hibernation may not take.
 */
export class Scheduler extends DurableObject<Env> implements SchedulerRpc {
  readonly #sockets: Sockets;
  readonly #orchestrator: Orchestrator;
  readonly #reception: Reception;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    log('object.constructed');
    this.#sockets = new Sockets(ctx);
    this.#orchestrator = new Orchestrator(makePorts(ctx, env, this.#sockets), {
      cell: DEFAULT_CELL,
      newMembership: env.SHOAL_NODE_APPROVAL === 'manual' ? 'PENDING' : 'APPROVED',
      defaultQueueTimeoutMs: secondsOf(env.DEFAULT_QUEUE_TIMEOUT) ?? DEFAULT_QUEUE_TIMEOUT_MS,
      retentionMs: (numberOf(env.RETENTION_DAYS) ?? 0) * 86_400_000,
      maxDatabaseBytes: numberOf(env.D1_MAX_BYTES) ?? 0,
    });
    this.#reception = new Reception(this.#sockets, (event, bytes) => this.#orchestrator.take(event, bytes));
  }

  submitJob(command: SubmitJob): Promise<Answer<SubmitAnswer>> {
    return this.#command({ type: 'submitJob', command }, command.spec.length);
  }

  stopJob(command: StopJob): Promise<Answer<StopAnswer>> {
    return this.#command({ type: 'stopJob', command }, command.reason.length);
  }

  rerunJob(command: RerunJob): Promise<Answer<SubmitAnswer>> {
    return this.#command({ type: 'rerunJob', command }, command.spec.length);
  }

  changeNode(command: ChangeNode): Promise<Answer<ChangeNodeAnswer>> {
    return this.#command({ type: 'changeNode', command }, command.message.length);
  }

  liveNodes(): Promise<readonly LiveNode[]> {
    return this.#orchestrator.liveNodes();
  }

  /** Looks whether anything is due; the Worker's cron calls it when a wake-up is overdue. */
  async poke(): Promise<void> {
    await this.#orchestrator.take({ type: 'wake' }, 0);
  }

  /** Takes an agent's WebSocket. The Worker has checked its credential. */
  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    log('object.message', { chars: typeof data === 'string' ? data.length : 0 });
    await this.#reception.takeFrame(socket, data);
  }

  override async webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    await this.#reception.takeClose(socket, `connection closed (${code}${reason === '' ? '' : `: ${reason}`})`);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#reception.takeClose(socket, 'connection lost');
  }

  override async alarm(): Promise<void> {
    log('object.alarm');
    const now = Date.now();
    try {
      if (!this.#orchestrator.isLoaded && (await passLeaseAlarm(this.ctx, now))) return;
      await this.#orchestrator.take({ type: 'wake' }, 0);
    } catch (error) {
      log('alarm.failed', { error: String(error) }, 'error');
      await armAlarm(this.ctx, now + ALARM_RETRY_MS, now + ALARM_RETRY_MS);
    }
  }

  async #command<T>(event: CoreEvent, bytes: number): Promise<Answer<T>> {
    try {
      return (await this.#orchestrator.take(event, bytes)) as Answer<T>;
    } catch (error) {
      // Thrown as it is: the Worker sends the same command again.
      if (error instanceof UnknownOutcome || !(error instanceof ShoalError)) throw error;
      return { ok: false, error: error.shape };
    }
  }
}

function numberOf(text: string | undefined): number | null {
  const value = Number(text);
  if (text === undefined || text.trim() === '') return null;
  if (Number.isFinite(value) && value >= 0) return value;
  log('setting.ignored', { value: text, allowed: 'a number from 0' }, 'error');
  return null;
}

function secondsOf(text: string | undefined): number | null {
  const seconds = numberOf(text);
  return seconds === null ? null : seconds * 1000;
}

function makePorts(ctx: DurableObjectState, env: Env, sockets: Sockets): Ports {
  return {
    store: new D1Store(env.DB),
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    within: async (promise, ms) => {
      let timer: number | null = null;
      const timeout = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), ms);
      });
      // A timer that stays behind would keep the object from hibernating.
      return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
    },
    send: (session, frame) => sockets.send(session, frame),
    close: (session, code, reason) => sockets.close(session, code, reason),
    attach: (session, holdsWork) => sockets.attach(session, holdsWork),
    lastHeard: (session) => sockets.lastHeard(session),
    survivors: () => sockets.survivors(),
    armAlarm: (at, besidesLeases) => armAlarm(ctx, at, besidesLeases),
    log,
  };
}
