import { Buffer } from 'node:buffer';
import type { ExecutionId } from '@shoal/schema/ids';
import { makeFailure } from '@shoal/schema/protocol/common';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { pause, type Cancel, type Clock } from '../ports.ts';
import {
  EngineError,
  type Container,
  type Creating,
  type Ended,
  type Engine,
  type EngineHealth,
  type EngineOffers,
  type Examined,
  type Output,
  type Provisions,
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
  readonly provisions: Provisions;
  state: Container['state'];
  startedAt: number | null;
  end: Ended | null;
  waiters: ((end: Ended | 'silent') => void)[];
  cancelEnd: Cancel;
}

interface FakeOptions {
  /** `docker` when nothing is said. */
  readonly type?: string;
  /** Network types Bridge and HTTP can be had. */
  readonly isolates?: boolean;
  /** What the owner gives, upper case. */
  readonly capabilities?: readonly string[];
}

/** Exit codes of what was killed. */
const KILLED: ReadonlySet<number> = new Set([137, 143, 255]);

/**
 * An engine without containers, for tests, simulations and benchmarks. It outlives the agents that use it, as Docker does:
 * hand the same one to the next agent. `starts` counts how often each execution was really started.
 */
export class FakeEngine implements Engine {
  readonly type: string;
  readonly starts = new Map<ExecutionId, number>();
  readonly #clock: Clock;
  readonly #script: (run: RunSpec) => Script;
  readonly #offers: EngineOffers;
  readonly #containers = new Map<ExecutionId, FakeContainer>();
  #reachable = true;
  /** The next removal fails as if the engine were away. */
  failNextRemove = false;
  /** Stops, removals and closing are never answered. */
  hangs = false;

  constructor(clock: Clock, script: (run: RunSpec) => Script, options: FakeOptions = {}) {
    const { type = 'docker', isolates = false, capabilities = [] } = options;
    this.type = type;
    this.#clock = clock;
    this.#script = script;
    this.#offers = { isolates, capabilities, mounts: true };
  }

  /** Ids of the containers that run now, also while the engine does not answer. */
  get running(): ExecutionId[] {
    return [...this.#containers].flatMap(([id, one]) => (one.state === 'running' ? [id] : []));
  }

  /** How many containers there are, in any state. */
  get size(): number {
    return this.#containers.size;
  }

  /** What a container was made with; null where there is none. */
  provisionsOf(executionId: ExecutionId): Provisions | null {
    return this.#containers.get(executionId)?.provisions ?? null;
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

  offers(): EngineOffers {
    return this.#offers;
  }

  examine(run: RunSpec): Examined {
    const { Capabilities: asked } = run.task.Engine.Params ?? {};
    const refusals = (Array.isArray(asked) ? asked : [])
      .filter((name) => !this.#offers.capabilities.includes(String(name)))
      .map((name) => `this node does not give capability ${String(name)}`);
    return { run, refusals, failure: null };
  }

  async create({ run }: Examined, provisions: Provisions, creating: Creating): Promise<Container> {
    this.#ask();
    const known = this.#containers.get(run.executionId);
    if (known !== undefined) return describe(run.executionId, known);
    const script = this.#script(run);
    if (script.pullMs !== undefined) await this.#pull(script.pullMs, creating);
    creating.signal.throwIfAborted();
    this.#ask();
    if (script.createError !== undefined) throw script.createError;
    const made: FakeContainer = {
      script,
      provisions,
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
    const end = { exitCode, outOfMemory, looksKilled: KILLED.has(exitCode) };
    one.cancelEnd = this.#clock.after(runMs, () => this.#end(one, end));
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
    this.#end(one, killed);
  }

  async kept(executionId: ExecutionId): Promise<Output> {
    const { script } = this.#get(executionId);
    const bytes = Buffer.from(script.stdout ?? '', 'utf8');
    return (async function* () {
      yield [{ stream: 'stdout', bytes }] as const;
    })();
  }

  async remove(executionId: ExecutionId): Promise<void> {
    this.#ask();
    if (this.hangs) await never();
    const fails = this.failNextRemove;
    this.failNextRemove = false;
    if (fails) throw unreachable();
    const one = this.#containers.get(executionId);
    if (one === undefined) return;
    this.#end(one, killed);
    this.#containers.delete(executionId);
  }

  async close(): Promise<void> {
    if (this.hangs) await never();
  }

  async list(): Promise<Container[]> {
    this.#ask();
    return [...this.#containers].map(([id, one]) => describe(id, one));
  }

  async #pull(ms: number, { signal, pulled }: Creating): Promise<void> {
    const startedAt = this.#clock.monotonic();
    await pause(this.#clock, ms, signal);
    pulled(this.#clock.monotonic() - startedAt);
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

const killed: Ended = { exitCode: 137, outOfMemory: false, looksKilled: true };

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
