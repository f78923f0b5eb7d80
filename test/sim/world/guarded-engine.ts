import type { ExecutionId } from '../../../schema/ids.ts';
import type { RunSpec } from '../../../schema/protocol/to-agent.ts';
import type {
  Container,
  Creating,
  Ended,
  Engine,
  EngineHealth,
  EngineOffers,
  Examined,
  Output,
  Provisions,
} from '../../../worker-agent/src/engines/engine.ts';
import type { FakeEngine } from '../../../worker-agent/src/engines/fake.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** The process that uses an engine. */
interface Process {
  isAlive(): boolean;
  /** How long a call takes. */
  wait(): Promise<void>;
  started(executionId: ExecutionId): void;
}

/** The machine's engine as one process of the agent uses it: calls take a while, and a dead process makes none. */
export class GuardedEngine implements Engine {
  readonly type: string;
  readonly #engine: FakeEngine;
  readonly #process: Process;

  constructor(engine: FakeEngine, process: Process) {
    this.type = engine.type;
    this.#engine = engine;
    this.#process = process;
  }

  probe(): Promise<EngineHealth> {
    return this.#ask(() => this.#engine.probe());
  }

  offers(): EngineOffers {
    return this.#engine.offers();
  }

  examine(run: RunSpec): Examined {
    return this.#engine.examine(run);
  }

  create(task: Examined, provisions: Provisions, creating: Creating): Promise<Container> {
    return this.#ask(() => this.#engine.create(task, provisions, creating));
  }

  find(executionId: ExecutionId): Promise<Container | null> {
    return this.#ask(() => this.#engine.find(executionId));
  }

  start(executionId: ExecutionId): Promise<void> {
    return this.#ask(async () => {
      const before = this.#engine.starts.get(executionId);
      await this.#engine.start(executionId);
      if (this.#engine.starts.get(executionId) !== before) this.#process.started(executionId);
    });
  }

  wait(executionId: ExecutionId): Promise<Ended> {
    return this.#ask(() => this.#engine.wait(executionId));
  }

  stop(executionId: ExecutionId, graceMs: number): Promise<void> {
    return this.#ask(() => this.#engine.stop(executionId, graceMs));
  }

  kept(executionId: ExecutionId): Promise<Output> {
    return this.#ask(() => this.#engine.kept(executionId));
  }

  remove(executionId: ExecutionId): Promise<void> {
    return this.#ask(() => this.#engine.remove(executionId));
  }

  list(): Promise<Container[]> {
    return this.#ask(() => this.#engine.list());
  }

  async #ask<T>(call: () => Promise<T>): Promise<T> {
    await this.#process.wait();
    if (!this.#process.isAlive()) return never();
    try {
      const answer = await call();
      return this.#process.isAlive() ? answer : never();
    } catch (error) {
      if (!this.#process.isAlive()) return never();
      throw error;
    }
  }
}
