import { DEFAULT_CELL } from '../../schema/ids.ts';
import { ShoalError } from '../../schema/errors.ts';
import type { WorkerSettings } from '../../schema/settings.ts';
import type { ExecutionId, NodeId } from '../../schema/ids.ts';
import { armAlarm, owesNothingYet, passLeaseAlarm, plannedAlarm, retryAlarm } from './alarm.ts';
import { Orchestrator } from './orchestrator.ts';
import { Reception } from './reception.ts';
import {
  anyOf,
  type AnswerTo,
  type CommandEvent,
  type CommandType,
  type DryRunAnswer,
  type LiveNode,
  type SchedulerRpc,
  type SubmitJob,
} from './rpc.ts';
import type { ObjectContext, ObjectSocket, ShellPorts } from './runtime.ts';
import { Sockets } from './sockets.ts';
import { bounded } from './tally.ts';
import { UnknownOutcome } from './turn-failure.ts';

/** How soon an alarm that could not be served comes again. */
const ALARM_RETRY_MS = 5_000;

/**
 * The Scheduler of one cell: the wires between an object's runtime and the orchestrator, and nothing else. It keeps no
 * state that a hibernation may not take, and reaches time, chance and the database through its ports alone.
 */
export class Shell implements SchedulerRpc {
  readonly #ctx: ObjectContext;
  readonly #ports: ShellPorts;
  readonly #orchestrator: Orchestrator;
  readonly #reception: Reception;

  constructor(ctx: ObjectContext, given: ShellPorts, settings: WorkerSettings) {
    this.#ctx = ctx;
    const ports = { ...given, log: bounded(given.log, given.now) };
    this.#ports = ports;
    const sockets = new Sockets(ctx);
    this.#orchestrator = new Orchestrator(
      {
        ...ports,
        send: (session, frame) => sockets.send(session, frame),
        close: (session, code, reason) => sockets.close(session, code, reason),
        attach: (session, holdsWork) => sockets.attach(session, holdsWork),
        lastHeard: (session) => sockets.lastHeard(session),
        survivors: () => sockets.survivors(),
        armAlarm: (at, besidesLeases) => armAlarm(ctx, at, besidesLeases),
        plannedAlarm: () => plannedAlarm(ctx),
      },
      { ...settings, cell: DEFAULT_CELL },
    );
    let ownId: string | null = null;
    this.#reception = new Reception(
      sockets,
      ports,
      (event, bytes) => this.#orchestrator.take(event, bytes),
      async () => (ownId ??= await ports.store.orchestratorId()),
    );
  }

  async command<T extends CommandType>(event: CommandEvent<T>): Promise<AnswerTo<T>> {
    try {
      return (await this.#orchestrator.take(anyOf(event), textsOf(event.command))) as AnswerTo<T>;
    } catch (error) {
      // Thrown as it is: the Worker sends the same command again.
      if (error instanceof UnknownOutcome || !(error instanceof ShoalError)) throw error;
      return { ok: false, error: error.shape };
    }
  }

  dryRun(command: SubmitJob): Promise<DryRunAnswer> {
    return this.#orchestrator.dryRun(command);
  }

  liveNodes(): Promise<readonly LiveNode[]> {
    return this.#orchestrator.liveNodes();
  }

  openLog(executionId: ExecutionId, nodeId: NodeId): Promise<boolean> {
    return this.#orchestrator.openLog(executionId, nodeId);
  }

  async poke(): Promise<void> {
    if (!this.#orchestrator.isLoaded && (await owesNothingYet(this.#ctx, this.#ports.now()))) return;
    await this.#orchestrator.take({ type: 'wake' }, 0);
  }

  /** False while too many connections have not said who they are: no more are accepted then. */
  mayAccept(): boolean {
    return this.#reception.mayAccept();
  }

  /** A connection was made; it has not said who it is. */
  accept(socket: ObjectSocket): void {
    this.#reception.accepted(socket);
  }

  /** Never rejects: what could not be taken the agent sends again. */
  async takeFrame(socket: ObjectSocket, data: string | ArrayBuffer): Promise<void> {
    await this.#listen(this.#reception.takeFrame(socket, data));
  }

  /** Never rejects: a state that is loaded anew goes by the connections that are there. */
  async takeClose(socket: ObjectSocket, code: number, reason: string): Promise<void> {
    const why = `connection closed (${code}${reason === '' ? '' : `: ${reason}`})`;
    await this.#listen(this.#reception.takeClose(socket, why));
  }

  async takeError(socket: ObjectSocket): Promise<void> {
    await this.#listen(this.#reception.takeClose(socket, 'connection lost'));
  }

  /** Never rejects: an alarm that could not be served comes again. */
  async takeAlarm(): Promise<void> {
    this.#ports.log('object.alarm', {});
    const now = this.#ports.now();
    try {
      if (!this.#orchestrator.isLoaded && (await passLeaseAlarm(this.#ctx, now))) return;
      await this.#orchestrator.takeAlarm();
    } catch (error) {
      this.#ports.log('alarm.failed', { error: String(error) }, 'error');
      await retryAlarm(this.#ctx, now + ALARM_RETRY_MS);
    }
  }

  async #listen(heard: Promise<void>): Promise<void> {
    try {
      await heard;
    } catch (error) {
      this.#ports.log('frame.failed', { error: String(error) }, 'warn');
    }
  }
}

/** How many characters a command's texts have: nearly all of it is in them. */
function textsOf(command: object): number {
  let length = 0;
  for (const value of Object.values(command)) if (typeof value === 'string') length += value.length;
  return length;
}
