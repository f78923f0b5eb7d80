import { PING, PONG } from '../../../schema/protocol/version.ts';
import { readSettings } from '../../../schema/settings.ts';
import type { ObjectContext, ObjectSocket, ShellPorts } from '../../../src/scheduler/runtime.ts';
import { Shell } from '../../../src/scheduler/shell.ts';
import type { Base } from './base.ts';
import type { Caller, Database } from './database.ts';
import type { ServerSocket } from './link.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** An object is put to sleep when nothing happened to it for this long. */
const HIBERNATES_MS = 10_000;

/** The platform's error for a call whose object went away: nobody knows what became of it. */
class ObjectGone extends Error {
  readonly retryable = true;
}

/** One life of the object: a shell with its memory. It may be cut off at any step, and may live on without its sockets. */
export class Life implements Caller {
  readonly name: string;
  readonly shell: Shell;
  /** `owner` has the sockets and the alarm; `zombie` only its memory and the database; `dead` has no effect any more. */
  state: 'owner' | 'zombie' | 'dead' = 'owner';
  /** Calls that wait for an answer of this life. */
  readonly calls = new Set<(error: unknown) => void>();
  /** Handlers of frames and closes that are under way. */
  busy = 0;
  /** It dies at the step that brings this to 0. */
  stepsLeft = Infinity;
  readonly #host: ObjectHost;
  readonly #sockets = new Map<ServerSocket, LifeSocket>();

  constructor(host: ObjectHost, name: string, makeShell: (life: Life) => Shell) {
    this.#host = host;
    this.name = name;
    this.shell = makeShell(this);
  }

  /** The socket as this life knows it: always the same object for the same socket. */
  socket(server: ServerSocket): LifeSocket {
    let socket = this.#sockets.get(server);
    if (socket === undefined) {
      socket = new LifeSocket(this, server);
      this.#sockets.set(server, socket);
    }
    return socket;
  }

  /** Lets a handler run; what it rejects with is only logged by the platform. */
  handle(handler: Promise<void>): void {
    this.busy += 1;
    // One that rejects ends the whole simulation: the runtime would call it an uncaught exception.
    void handler.then(() => void (this.busy -= 1));
  }

  isAlive(): boolean {
    return this.state !== 'dead';
  }

  step(): void {
    if (this.state === 'dead') return;
    this.stepsLeft -= 1;
    if (this.stepsLeft <= 0) this.#host.end(this);
  }
}

/** A socket in the hands of one life; in those of a life that lost it, it does nothing. */
class LifeSocket implements ObjectSocket {
  readonly server: ServerSocket;
  readonly #life: Life;

  constructor(life: Life, server: ServerSocket) {
    this.#life = life;
    this.server = server;
  }

  get readyState(): number {
    return this.server.readyState;
  }

  send(frame: string): void {
    this.#life.step();
    if (this.#life.state === 'owner') this.server.send(frame);
  }

  close(code: number, reason: string): void {
    this.#life.step();
    if (this.#life.state === 'owner') this.server.close(code, reason);
  }

  serializeAttachment(attachment: unknown): void {
    this.#life.step();
    if (this.#life.state === 'owner') this.server.attachment = attachment;
  }

  deserializeAttachment(): unknown {
    return this.server.attachment;
  }
}

/** The platform around the Scheduler: keeps its sockets, its storage and its alarm, and brings it to life when needed. */
export class ObjectHost {
  readonly sockets = new Set<ServerSocket>();
  life: Life | null = null;
  readonly zombies = new Set<Life>();
  /** The alarm's time; null when none is set. */
  alarmAt: number | null = null;
  newMembership: 'APPROVED' | 'PENDING' = 'APPROVED';
  /** How far the next life's clock is off, in ms. */
  skewMs = 0;
  readonly #base: Base;
  readonly #database: Database;
  readonly #storage = new Map<string, unknown>();
  #alarmEpoch = 0;
  #lives = 0;
  #lastUsed = 0;

  constructor(base: Base, database: Database) {
    this.#base = base;
    this.#database = database;
  }

  /** The present life; begins one when there is none. */
  wake(): Life {
    this.#lastUsed = this.#base.timeline.now;
    if (this.life !== null) return this.life;
    const life = new Life(this, `life ${++this.#lives}`, (self) => this.#makeShell(self));
    this.life = life;
    this.#base.trace.line(`${life.name} begins`);
    this.#hibernateLater(life);
    return life;
  }

  /** Calls a method of the object, as the Worker does; `on` picks a life that is not the present one. */
  call<T>(method: (shell: Shell) => Promise<T>, on: Life = this.wake()): Promise<T> {
    const { timeline, rng } = this.#base;
    return new Promise<T>((resolve, reject) => {
      const fail = (error: unknown) => {
        on.calls.delete(fail);
        reject(error);
      };
      on.calls.add(fail);
      const settle = (done: () => void) => {
        if (on.calls.delete(fail)) timeline.after(rng.int(0, 4), done);
      };
      timeline.after(rng.int(0, 4), () => {
        if (!on.isAlive()) return fail(new ObjectGone('the object went away'));
        method(on.shell).then(
          (value) => settle(() => resolve(value)),
          (error: unknown) => settle(() => reject(error)),
        );
      });
    });
  }

  /** Ends the present life at once, wherever it stands. */
  end(life: Life): void {
    if (life.state === 'dead') return;
    life.state = 'dead';
    this.#base.trace.line(`${life.name} ends`);
    if (this.life === life) this.life = null;
    this.zombies.delete(life);
    for (const fail of life.calls) fail(new ObjectGone('the object went away'));
  }

  /** The present life loses its sockets, its alarm and its callers' way to it, and goes on all the same. */
  disown(ms: number): void {
    const { life } = this;
    if (life === null) return;
    life.state = 'zombie';
    this.life = null;
    this.zombies.add(life);
    this.#base.trace.line(`${life.name} is disowned`);
    this.#base.timeline.after(ms, () => this.end(life));
  }

  /** Takes an agent's connection: the Worker hands it to the object, which comes to life for it. */
  accept(socket: ServerSocket): void {
    const life = this.wake();
    this.sockets.add(socket);
    life.shell.accept(life.socket(socket));
  }

  /** Takes a text frame of an agent; heartbeats are answered without waking anybody. */
  deliver(socket: ServerSocket, frame: string): void {
    if (!this.sockets.has(socket)) return;
    if (frame === PING) {
      socket.answeredAt = this.#base.timeline.now;
      return socket.send(PONG);
    }
    const life = this.wake();
    life.handle(life.shell.takeFrame(life.socket(socket), frame));
  }

  /** The socket is gone, and its object hears of it. */
  closed(socket: ServerSocket, code: number, reason: string): void {
    if (!this.sockets.delete(socket)) return;
    const life = this.wake();
    const { shell } = life;
    const mine = life.socket(socket);
    life.handle(code === 1006 && reason === '' ? shell.takeError(mine) : shell.takeClose(mine, code, reason));
  }

  #makeShell(life: Life): Shell {
    const { timeline, rng, totals, trace } = this.#base;
    const skewMs = this.skewMs;
    const ports: ShellPorts = {
      store: this.#database.storeFor(life),
      now: () => timeline.now + skewMs,
      newId: () => rng.uuid(),
      sleep: (ms) => new Promise((resolve) => timeline.after(ms, () => life.isAlive() && resolve())),
      within: (promise, ms) => {
        const timeout = new Promise<undefined>((resolve) => {
          const cancel = timeline.after(ms, () => life.isAlive() && resolve(undefined));
          const stop = () => cancel();
          promise.then(stop, stop);
        });
        return Promise.race([promise, timeout]);
      },
      log: (event, fields) => {
        totals.count(`log ${event}`);
        if (event === 'object.traffic' && 'ignored' in fields) totals.count('frame ignored');
        if (event.endsWith('.failed')) trace.line(`${life.name} ${event} ${JSON.stringify(fields)}`);
      },
    };
    const { settings } = readSettings({ NODE_RETENTION_DAYS: '0' });
    return new Shell(this.#context(life), ports, {
      ...settings,
      manualApproval: this.newMembership === 'PENDING',
    });
  }

  #context(life: Life): ObjectContext {
    const soon = (run: () => void): Promise<void> =>
      new Promise((resolve) => {
        life.step();
        this.#base.timeline.after(this.#base.rng.int(0, 2), () => {
          // A zombie's storage is no longer the object's.
          if (life.state === 'owner') run();
          if (life.isAlive()) resolve();
        });
      });
    return {
      storage: {
        get: async <T>(key: string) => {
          let value: T | undefined;
          await soon(() => (value = this.#storage.get(key) as T | undefined));
          return life.isAlive() ? value : never();
        },
        put: (key, value) => soon(() => void this.#storage.set(key, value)),
        setAlarm: (at) => soon(() => this.#setAlarm(at)),
        deleteAlarm: () => soon(() => this.#deleteAlarm()),
      },
      getWebSockets: () => (life.state === 'owner' ? [...this.sockets].map((socket) => life.socket(socket)) : []),
      getWebSocketAutoResponseTimestamp: (socket) => {
        const { answeredAt } = (socket as LifeSocket).server;
        return answeredAt === 0 ? null : new Date(answeredAt);
      },
    };
  }

  #setAlarm(at: number): void {
    this.alarmAt = at;
    this.#base.trace.line(`alarm set for ${at}`);
    const epoch = ++this.#alarmEpoch;
    const { timeline, rng, weather } = this.#base;
    let lateMs = rng.int(0, 3);
    if (rng.chance(weather.alarmLate)) {
      this.#base.fault('alarm late');
      lateMs = rng.int(1_000, 60_000);
    }
    timeline.at(Math.max(at, timeline.now) + lateMs, () => {
      if (this.#alarmEpoch === epoch) this.#ring();
    });
  }

  /** An alarm that was to be late rings in time after all. */
  makeAlarmPunctual(): void {
    if (this.alarmAt !== null) this.#setAlarm(this.alarmAt);
  }

  #deleteAlarm(): void {
    this.alarmAt = null;
    this.#alarmEpoch += 1;
    this.#base.totals.count('alarm taken back');
  }

  #ring(): void {
    this.alarmAt = null;
    const { rng, weather, totals } = this.#base;
    totals.count('alarm');
    this.#base.trace.line('alarm rings');
    const life = this.wake();
    this.#takeAlarm(life);
    if (!rng.chance(weather.alarmDoubled)) return;
    this.#base.fault('alarm doubled');
    this.#takeAlarm(life);
  }

  /** An alarm whose object dies while it is handled comes again, unless another one was set in the meantime. */
  #takeAlarm(life: Life): void {
    const epoch = this.#alarmEpoch;
    const again = () => {
      life.calls.delete(again);
      if (this.#alarmEpoch === epoch) this.#setAlarm(this.#base.timeline.now + 2_000);
    };
    life.calls.add(again);
    life.shell.takeAlarm().then(
      () => life.calls.delete(again),
      () => again(),
    );
  }

  #hibernateLater(life: Life): void {
    this.#base.timeline.after(HIBERNATES_MS, () => {
      if (this.life !== life) return;
      const idle =
        life.calls.size === 0 && life.busy === 0 && this.#base.timeline.now - this.#lastUsed >= HIBERNATES_MS;
      if (!idle) return this.#hibernateLater(life);
      this.#base.totals.count('hibernation');
      this.end(life);
    });
  }
}
