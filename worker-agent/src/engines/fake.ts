import type { ExecutionId } from '@shoal/schema/ids';
import type { RunSpec } from '../journal/records.ts';
import { makeFailure } from '../executions/outcome.ts';
import { pause, type Cancel, type Clock } from '../ports.ts';
import {
  EngineError,
  type Container,
  type ContainerNetwork,
  type Ended,
  type Engine,
  type EngineHealth,
  type Heads,
} from './engine.ts';

/** What a fake container does. Times in milliseconds of the given clock. */
export interface Script {
  /** The image is got for this long. */
  readonly pullMs?: number;
  readonly createError?: EngineError;
  readonly startError?: EngineError;
  /** Runs this long by itself; absent means until it is stopped. */
  readonly runMs?: number;
  readonly exitCode?: number;
  readonly outOfMemory?: boolean;
  readonly stdout?: string;
  /** Ends this long after it was asked to; absent means at once. */
  readonly stopMs?: number;
}

interface FakeContainer {
  readonly script: Script;
  state: Container['state'];
  startedAt: number | null;
  end: Ended | null;
  waiters: ((end: Ended | 'silent') => void)[];
  cancelEnd: Cancel;
}

/**
 * An engine without containers, for tests, simulations and benchmarks. It outlives the agents that use it, as Docker does:
 * hand the same one to the next agent. `starts` counts how often each execution was really started.
 */
export class FakeEngine implements Engine {
  readonly type = 'docker';
  readonly starts = new Map<ExecutionId, number>();
  readonly #clock: Clock;
  readonly #script: (run: RunSpec) => Script;
  readonly #containers = new Map<ExecutionId, FakeContainer>();
  #reachable = true;
  /** The next removal fails as if the engine were away. */
  failNextRemove = false;
  /** Stops, removals and closing are never answered. */
  hangs = false;

  constructor(clock: Clock, script: (run: RunSpec) => Script) {
    this.#clock = clock;
    this.#script = script;
  }

  /** Ids of the containers that run now, also while the engine does not answer. */
  get running(): ExecutionId[] {
    return [...this.#containers].flatMap(([id, one]) => (one.state === 'running' ? [id] : []));
  }

  /** How many containers there are, in any state. */
  get size(): number {
    return this.#containers.size;
  }

  /** While unreachable nothing is answered and waits break, but what runs runs on. */
  setReachable(reachable: boolean): void {
    this.#reachable = reachable;
    if (reachable) return;
    for (const one of this.#containers.values()) this.#wake(one, 'silent');
  }

  async probe(): Promise<EngineHealth> {
    if (this.#reachable) return { ready: true, description: 'fake' };
    return { ready: false, error: 'the fake engine was made unreachable', hint: '' };
  }

  async create(run: RunSpec, _network: ContainerNetwork, signal: AbortSignal): Promise<Container> {
    this.#ask();
    const known = this.#containers.get(run.executionId);
    if (known !== undefined) return describe(run.executionId, known);
    const script = this.#script(run);
    if (script.pullMs !== undefined) await pause(this.#clock, script.pullMs, signal);
    signal.throwIfAborted();
    this.#ask();
    if (script.createError !== undefined) throw script.createError;
    const made: FakeContainer = {
      script,
      state: 'created',
      startedAt: null,
      end: null,
      waiters: [],
      cancelEnd: () => {},
    };
    this.#containers.set(run.executionId, made);
    return describe(run.executionId, made);
  }

  async find(executionId: ExecutionId): Promise<Container | null> {
    this.#ask();
    const one = this.#containers.get(executionId);
    return one === undefined ? null : describe(executionId, one);
  }

  async start(executionId: ExecutionId): Promise<void> {
    const one = this.#get(executionId);
    if (one.state !== 'created') return;
    if (one.script.startError !== undefined) throw one.script.startError;
    one.state = 'running';
    one.startedAt = this.#clock.now();
    this.starts.set(executionId, (this.starts.get(executionId) ?? 0) + 1);
    const { runMs, exitCode = 0, outOfMemory = false } = one.script;
    if (runMs === undefined) return;
    one.cancelEnd = this.#clock.after(runMs, () => this.#end(one, { exitCode, outOfMemory }));
  }

  async wait(executionId: ExecutionId): Promise<Ended> {
    const one = this.#get(executionId);
    if (one.end !== null) return one.end;
    const end = await new Promise<Ended | 'silent'>((resolve) => one.waiters.push(resolve));
    if (end === 'silent') throw unreachable();
    return end;
  }

  async stop(executionId: ExecutionId, graceMs: number): Promise<void> {
    const one = this.#get(executionId);
    if (this.hangs) await never();
    if (one.state !== 'running') return;
    await pause(this.#clock, Math.min(one.script.stopMs ?? 0, graceMs));
    this.#end(one, { exitCode: 137, outOfMemory: false });
  }

  async output(executionId: ExecutionId): Promise<Heads> {
    const { script } = this.#get(executionId);
    return { stdout: script.stdout ?? '', stdoutTruncated: false, stderr: '', stderrTruncated: false };
  }

  async remove(executionId: ExecutionId): Promise<void> {
    this.#ask();
    if (this.hangs) await never();
    const fails = this.failNextRemove;
    this.failNextRemove = false;
    if (fails) throw unreachable();
    const one = this.#containers.get(executionId);
    if (one === undefined) return;
    this.#end(one, { exitCode: 137, outOfMemory: false });
    this.#containers.delete(executionId);
  }

  async close(): Promise<void> {
    if (this.hangs) await never();
  }

  async list(): Promise<Container[]> {
    this.#ask();
    return [...this.#containers].map(([id, one]) => describe(id, one));
  }

  #end(one: FakeContainer, end: Ended): void {
    if (one.end !== null) return;
    one.cancelEnd();
    one.state = 'ended';
    one.end = end;
    this.#wake(one, end);
  }

  #wake(one: FakeContainer, end: Ended | 'silent'): void {
    const { waiters } = one;
    one.waiters = [];
    for (const wake of waiters) wake(end);
  }

  #get(executionId: ExecutionId): FakeContainer {
    this.#ask();
    const one = this.#containers.get(executionId);
    if (one !== undefined) return one;
    throw new EngineError(makeFailure('infrastructure', 'Running Execution', 'no such container'));
  }

  #ask(): void {
    if (!this.#reachable) throw unreachable();
  }
}

function describe(executionId: ExecutionId, { state, startedAt }: FakeContainer): Container {
  return { executionId, state, startedAt };
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function unreachable(): EngineError {
  const failure = makeFailure('infrastructure', 'Running Execution', 'the fake engine does not answer');
  return new EngineError(failure, { unreachable: true });
}
