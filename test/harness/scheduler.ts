import type { NodeId } from '../../schema/ids.ts';
import type { Hello } from '../../schema/protocol/from-agent.ts';
import { PROTOCOL_VERSION } from '../../schema/protocol/version.ts';
import { readSettings } from '../../schema/settings.ts';
import {
  anyOf,
  type AnswerTo,
  type ChangeNode,
  type CommandEvent,
  type CommandType,
  type DryRunAnswer,
  type LiveNode,
  type SchedulerRpc,
  type StopJob,
  type SubmitJob,
} from '../../src/scheduler/rpc.ts';
import { SOCKET_OPEN, type ObjectContext, type ObjectSocket } from '../../src/scheduler/runtime.ts';
import { Shell } from '../../src/scheduler/shell.ts';
import { D1Store } from '../../src/store/d1-store.ts';
import { FakeD1 } from '../fakes/d1.ts';

/** How one command goes wrong. */
interface Fault {
  readonly error: Error;
  /** True when the command takes effect before its answer is lost. */
  readonly after?: boolean;
}

/** An object whose alarm never rings. */
function makeObject(sockets: readonly ObjectSocket[]): ObjectContext {
  const stored = new Map<string, unknown>();
  return {
    storage: {
      get: async <T>(key: string) => stored.get(key) as T | undefined,
      put: async (key, value) => void stored.set(key, value),
      setAlarm: async () => {},
      deleteAlarm: async () => {},
    },
    getWebSockets: () => [...sockets],
    getWebSocketAutoResponseTimestamp: () => null,
  };
}

/** The socket of an agent that takes whatever is sent and answers nothing. */
class SilentSocket implements ObjectSocket {
  readonly readyState = SOCKET_OPEN;
  #attachment: unknown = null;

  send(): void {}
  close(): void {}
  serializeAttachment(attachment: unknown): void {
    this.#attachment = attachment;
  }
  deserializeAttachment(): unknown {
    return this.#attachment;
  }
}

/**
 * The real Scheduler on the tables of `db`, as the Worker calls it: no alarm rings, and no agent is connected but those that
 * a test lets join. Its calls to the database are its own, so that a fault of `db` is the Worker's. Commands are noted, and
 * their answers may be lost. Ids count up.
 */
export class WatchedScheduler implements SchedulerRpc {
  readonly #shell: Shell;
  readonly #sockets: ObjectSocket[] = [];
  readonly submits: SubmitJob[] = [];
  readonly stops: StopJob[] = [];
  readonly changes: ChangeNode[] = [];
  readonly faults: Fault[] = [];

  constructor(db: FakeD1, now: () => number) {
    let ids = 0;
    this.#shell = new Shell(
      makeObject(this.#sockets),
      {
        store: new D1Store(new FakeD1(db.sqlite)),
        now,
        newId: () => `00000000-0000-4000-9000-${String(++ids).padStart(12, '0')}`,
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        within: (promise) => promise,
        log: () => {},
      },
      readSettings({}).settings,
    );
  }

  /** Connects an agent, which says this of its node beside what most say. */
  async join(nodeId: string, more: Partial<Hello> = {}): Promise<void> {
    const hello: Hello = {
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      nodeId: nodeId as NodeId,
      agentInstance: nodeId,
      agentVersion: '0.1.0',
      os: 'linux',
      arch: 'arm64',
      labels: { os_type: 'linux' },
      engines: ['docker'],
      publishers: ['noop'],
      sources: ['inline'],
      capacity: { cpu: 4, memory: 8_000_000_000, disk: 80_000_000_000, gpu: 0 },
      holds: [],
      more: false,
      ...more,
    };
    const socket = new SilentSocket();
    this.#sockets.push(socket);
    this.#shell.accept(socket);
    await this.#shell.takeFrame(socket, JSON.stringify(hello));
  }

  async command<T extends CommandType>(event: CommandEvent<T>): Promise<AnswerTo<T>> {
    this.#note(anyOf(event));
    const fault = this.faults.shift();
    if (fault === undefined) return this.#shell.command(event);
    if (fault.after === true) await this.#shell.command(event);
    throw fault.error;
  }

  dryRun(command: SubmitJob): Promise<DryRunAnswer> {
    return this.#shell.dryRun(command);
  }

  liveNodes(): Promise<readonly LiveNode[]> {
    return this.#shell.liveNodes();
  }

  poke(): Promise<void> {
    return this.#shell.poke();
  }

  #note({ type, command }: CommandEvent): void {
    if (type === 'submitJob') this.submits.push(command);
    if (type === 'stopJob') this.stops.push(command);
    if (type === 'changeNode') this.changes.push(command);
  }
}
