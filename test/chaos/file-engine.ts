import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionId } from '@shoal/schema/ids';
import type {
  Container,
  Ended,
  Engine,
  EngineHealth,
  EngineOffers,
  Examined,
  Output,
} from '../../worker-agent/src/engines/engine.ts';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';

interface Saved {
  readonly word: string;
  readonly runMs: number;
  startedAt: number | null;
  stoppedAt: number | null;
}

/** What a task of the live test asks of this engine, in its params. */
export interface FastParams {
  /** Printed when the task has run to its end. */
  readonly Word: string;
  readonly RunMs: number;
}

/**
 * A fast engine that outlives its agents, as Docker does: a container is a file, and it runs by the clock. Killing the
 * agent kills none of its tasks.
 */
export class FileEngine implements Engine {
  readonly type = 'docker';
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  async probe(): Promise<EngineHealth> {
    return { ready: true, description: 'files' };
  }

  offers(): EngineOffers {
    return { isolates: false, capabilities: [], mounts: false };
  }

  examine(run: RunSpec): Examined {
    return { run, refusals: [], failure: null };
  }

  async create({ run }: Examined): Promise<Container> {
    const { Word, RunMs } = run.task.Engine.Params as unknown as FastParams;
    if (this.#read(run.executionId) === null) {
      this.#write(run.executionId, { word: Word, runMs: RunMs, startedAt: null, stoppedAt: null });
    }
    return this.#view(run.executionId) ?? { executionId: run.executionId, state: 'created', startedAt: null };
  }

  async find(executionId: ExecutionId): Promise<Container | null> {
    return this.#view(executionId);
  }

  async start(executionId: ExecutionId): Promise<void> {
    const saved = this.#read(executionId);
    if (saved === null || saved.startedAt !== null) return;
    // One line a real start: doubled work would show.
    writeFileSync(join(this.#folder, '..', 'starts.log'), `${executionId}\n`, { flag: 'a' });
    this.#write(executionId, { ...saved, startedAt: Date.now() });
  }

  async wait(executionId: ExecutionId): Promise<Ended> {
    for (;;) {
      const saved = this.#read(executionId);
      if (saved === null) throw new Error(`${executionId} is gone`);
      const leftMs = endOf(saved) - Date.now();
      const looksKilled = saved.stoppedAt !== null;
      if (leftMs <= 0) return { exitCode: looksKilled ? 143 : 0, outOfMemory: false, looksKilled };
      await sleep(Math.min(leftMs, 100));
    }
  }

  async stop(executionId: ExecutionId): Promise<void> {
    const saved = this.#read(executionId);
    if (saved !== null && endOf(saved) > Date.now()) this.#write(executionId, { ...saved, stoppedAt: Date.now() });
  }

  async kept(executionId: ExecutionId): Promise<Output> {
    const saved = this.#read(executionId);
    const bytes = Buffer.from(saved === null || saved.stoppedAt !== null ? '' : saved.word, 'utf8');
    return (async function* () {
      yield [{ stream: 'stdout', bytes }] as const;
    })();
  }

  async remove(executionId: ExecutionId): Promise<void> {
    rmSync(this.#path(executionId), { force: true });
  }

  async list(): Promise<Container[]> {
    const ids = readdirSync(this.#folder).filter((name) => name.startsWith('e-')) as ExecutionId[];
    return ids.map((id) => this.#view(id)).filter((container) => container !== null);
  }

  #view(executionId: ExecutionId): Container | null {
    const saved = this.#read(executionId);
    if (saved === null) return null;
    const state = saved.startedAt === null ? 'created' : endOf(saved) > Date.now() ? 'running' : 'ended';
    return { executionId, state, startedAt: saved.startedAt };
  }

  #path(executionId: ExecutionId): string {
    return join(this.#folder, executionId);
  }

  #read(executionId: ExecutionId): Saved | null {
    try {
      return JSON.parse(readFileSync(this.#path(executionId), 'utf8')) as Saved;
    } catch {
      return null;
    }
  }

  /** Whole or not at all, however the process ends. */
  #write(executionId: ExecutionId, saved: Saved): void {
    const temporary = join(this.#folder, `.${executionId}`);
    writeFileSync(temporary, JSON.stringify(saved));
    renameSync(temporary, this.#path(executionId));
  }
}

function endOf({ startedAt, stoppedAt, runMs }: Saved): number {
  return stoppedAt ?? (startedAt === null ? Infinity : startedAt + runMs);
}
