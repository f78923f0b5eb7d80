import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ExecutionId } from '@shoal/schema/ids';
import type { Container, Engine } from '../engines/engine.ts';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { errorText, type Clock, type Log } from '../ports.ts';
import { EngineRecording, type LogRecorder, type Recording } from './recorder.ts';
import { Spool } from './spool.ts';
import { Storer, type PutPart } from './storer.ts';

export interface ShelfPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly putPart: PutPart;
  /** Whether the execution's end is acknowledged, or is not known here any more. */
  readonly isReported: (executionId: ExecutionId) => boolean;
}

/** What logs may take on the disk when nobody says. */
export const DEFAULT_LOG_BUDGET = 10 * 1024 ** 3;

export interface LogLimits {
  /** For all logs together, in bytes. */
  readonly budget?: number;
  /** For one log, in bytes. */
  readonly log?: number;
}

/**
 * The logs of this node: one folder each, from the first byte until all of it is stored away and nobody reads it here.
 * When they take more than their budget the oldest that are over are dropped, never one whose end is not reported.
 */
export class LogShelf implements LogRecorder {
  readonly #folder: string;
  readonly #ports: ShelfPorts;
  readonly #limits: LogLimits;
  readonly #storer: Storer;
  /** In the order in which they came here. */
  readonly #spools = new Map<ExecutionId, Promise<Spool>>();
  readonly #readers = new Map<ExecutionId, number>();

  constructor(folder: string, ports: ShelfPorts, limits: LogLimits = {}) {
    this.#folder = folder;
    this.#ports = ports;
    this.#limits = limits;
    this.#storer = new Storer(ports, (executionId) => void this.#tidy(executionId));
  }

  /** Takes up what a former agent left. @param isLive whether the execution goes on here */
  async recover(isLive: (executionId: ExecutionId) => boolean): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const id = ExecutionId.safeParse(name);
      if (!id.success || isLive(id.data)) continue;
      const spool = await this.#open(id.data);
      // Its end was written down elsewhere, or it never will be: nothing more comes.
      await spool.finish();
      // A log without a token is one that nobody can store; an empty one is stored as well, for readers to know its end.
      if (spool.complete || spool.token === null) await this.#drop(id.data);
      else this.#storer.add(id.data, spool);
    }
    await this.#keepBudget();
  }

  async record(engine: Engine, run: RunSpec, state: Container['state']): Promise<Recording> {
    const { executionId } = run;
    const spool = await this.#open(executionId);
    if (run.token !== undefined) await spool.setToken(run.token);
    const recording = await EngineRecording.begin({ ...this.#ports, engine }, { executionId, spool, state });
    this.#storer.add(executionId, spool);
    return {
      heads: () => recording.heads(),
      output: () => recording.output(),
      get wasInterrupted() {
        return recording.wasInterrupted;
      },
      finish: async () => {
        await recording.finish();
        this.#storer.finished(executionId);
        await this.#keepBudget();
      },
    };
  }

  /** The log for one reader; null when it is not here. `done` must be called. */
  async read(executionId: ExecutionId): Promise<{ spool: Spool; done: () => void } | null> {
    const opening = this.#spools.get(executionId);
    if (opening === undefined) return null;
    this.#readers.set(executionId, (this.#readers.get(executionId) ?? 0) + 1);
    const spool = await opening;
    const done = (): void => {
      this.#readers.set(executionId, (this.#readers.get(executionId) ?? 1) - 1);
      void this.#tidy(executionId);
    };
    return { spool, done };
  }

  /** Whether parts may be sent: there is a connection. */
  setConnected(connected: boolean): void {
    this.#storer.setConnected(connected);
  }

  /** Waits for finished logs to be stored, not for long: the next start stores what is left. */
  async stored(withinMs: number): Promise<void> {
    await this.#storer.idle(withinMs);
  }

  async close(): Promise<void> {
    this.#storer.stop();
    for (const opening of this.#spools.values()) await (await opening).close();
  }

  #open(executionId: ExecutionId): Promise<Spool> {
    const known = this.#spools.get(executionId);
    if (known !== undefined) return known;
    const opening = Spool.open(join(this.#folder, executionId), this.#limits.log);
    this.#spools.set(executionId, opening);
    return opening;
  }

  /** What is stored and read by nobody has done its service. */
  async #tidy(executionId: ExecutionId): Promise<void> {
    const spool = await this.#spools.get(executionId);
    if (spool?.complete === true && !this.#isRead(executionId)) await this.#drop(executionId);
  }

  #isRead(executionId: ExecutionId): boolean {
    return (this.#readers.get(executionId) ?? 0) > 0;
  }

  async #keepBudget(): Promise<void> {
    const { budget = DEFAULT_LOG_BUDGET } = this.#limits;
    const spools: [ExecutionId, Spool][] = [];
    let bytes = 0;
    for (const [executionId, opening] of this.#spools) {
      const spool = await opening;
      spools.push([executionId, spool]);
      bytes += spool.bytes;
    }
    for (const [executionId, spool] of spools) {
      if (bytes <= budget) return;
      if (!spool.finished || this.#isRead(executionId) || !this.#ports.isReported(executionId)) continue;
      bytes -= spool.bytes;
      this.#ports.log.warn('log.dropped', {
        executionId,
        bytes: spool.bytes,
        reason: 'the budget for logs is used up',
      });
      await this.#drop(executionId);
    }
  }

  async #drop(executionId: ExecutionId): Promise<void> {
    const opening = this.#spools.get(executionId);
    this.#spools.delete(executionId);
    this.#readers.delete(executionId);
    this.#storer.remove(executionId);
    try {
      await (await opening)?.remove();
      await rm(join(this.#folder, executionId), { recursive: true, force: true });
    } catch (error) {
      this.#ports.log.warn('log.left', { executionId, error: errorText(error) });
    }
  }
}
