import { DurableObject } from 'cloudflare:workers';
import { readSettings } from '../../schema/settings.ts';
import { PING, PONG } from '../../schema/protocol/version.ts';
import type { ExecutionId, NodeId } from '../../schema/ids.ts';
import type { Env } from '../env.ts';
import { log } from '../log.ts';
import { D1Store } from '../store/d1-store.ts';
import { ExecutionTokens } from './execution-tokens.ts';
import type { LogsRpc } from './logs-rpc.ts';
import type { AnswerTo, CommandEvent, CommandType, DryRunAnswer, LiveNode, SchedulerRpc, SubmitJob } from './rpc.ts';
import type { ShellPorts } from './runtime.ts';
import { Shell } from './shell.ts';

/** The Scheduler as the runtime knows it; all it does is in `Shell`. */
export class Scheduler extends DurableObject<Env> implements SchedulerRpc, LogsRpc {
  readonly #shell: Shell;
  readonly #tokens: ExecutionTokens;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    log('object.constructed');
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    const { settings, problems } = readSettings(env);
    for (const problem of problems) log('setting.unreadable', { problem }, 'error');
    this.#tokens = new ExecutionTokens(ctx.storage);
    const executionToken = (executionId: ExecutionId) => this.#tokens.issue(executionId);
    this.#shell = new Shell(ctx, { ...makePorts(env), executionToken }, settings);
  }

  command<T extends CommandType>(event: CommandEvent<T>): Promise<AnswerTo<T>> {
    return this.#shell.command(event);
  }

  dryRun(command: SubmitJob): Promise<DryRunAnswer> {
    return this.#shell.dryRun(command);
  }

  liveNodes(): Promise<readonly LiveNode[]> {
    return this.#shell.liveNodes();
  }

  openLog(executionId: ExecutionId, nodeId: NodeId): Promise<boolean> {
    return this.#shell.openLog(executionId, nodeId);
  }

  checkToken(executionId: ExecutionId, token: string): Promise<boolean> {
    return this.#tokens.verify(executionId, token);
  }

  /** Looks whether anything is due; the Worker's cron calls it when a wake-up is overdue. */
  poke(): Promise<void> {
    return this.#shell.poke();
  }

  /** Takes an agent's WebSocket. The Worker has checked its credential. */
  override fetch(): Response {
    if (!this.#shell.mayAccept()) {
      return new Response('too many connections have not said hello', { status: 503, headers: { 'Retry-After': '5' } });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    this.#shell.accept(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    return this.#shell.takeFrame(socket, data);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    return this.#shell.takeClose(socket, code, reason);
  }

  override webSocketError(socket: WebSocket): Promise<void> {
    return this.#shell.takeError(socket);
  }

  override alarm(): Promise<void> {
    return this.#shell.takeAlarm();
  }
}

function makePorts(env: Env): ShellPorts {
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
    log,
  };
}
