import type { ExecutionId } from '@shoal/schema/ids';
import type { Failure } from '@shoal/schema/protocol/common';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { StepError } from '../ports.ts';

/**
 * The port of engines: all that one of them may know of the agent beside its clock and log. A new engine is a file that
 * implements `Engine` and a line in `engines.ts`.
 */

export { gpuKey, type Gpu } from '../machine/gpus.ts';

/**
 * How a container reaches the network; `Default` and the node's policy are resolved before it comes to the engine.
 * `filtered` is a bridge from which neither the machine nor its owner's network can be reached; `http` has a proxy and no
 * other way out.
 */
export const containerNetworks = ['none', 'host', 'bridge', 'filtered', 'http'] as const;
export type ContainerNetwork = (typeof containerNetworks)[number];

/** One container of this node. Its name is its execution's id, so there is at most one an execution. */
export interface Container {
  readonly executionId: ExecutionId;
  readonly state: 'created' | 'running' | 'ended';
  /** Epoch ms by the engine's clock; null before the start. */
  readonly startedAt: number | null;
}

export interface Ended {
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  /** It ended as one that was killed, with its machine perhaps; a task may also end so by itself. */
  readonly looksKilled: boolean;
}

export type Stream = 'stdout' | 'stderr';

export interface OutputChunk {
  readonly stream: Stream;
  readonly bytes: Uint8Array;
}

/** Chunks in the order they were printed, as many as came at once; their bytes are valid until the next are asked for. */
export type Output = AsyncIterable<readonly OutputChunk[]>;

/** Times in epoch ms of the engine's clock, both included. */
export interface KeptRange {
  /** Both, when nothing is said. */
  readonly stream?: Stream;
  readonly since?: number;
  readonly until?: number | null;
}

export type EngineHealth =
  | { readonly ready: true; readonly description: string }
  /** What was tried and what a person can do. */
  | { readonly ready: false; readonly error: string; readonly hint: string };

/** What an engine can give tasks. */
export interface EngineOffers {
  /** It can keep tasks away from the owner's network: `filtered` and `http` may be asked for. */
  readonly isolates: boolean;
  /** Linux capabilities that tasks may ask for, upper case without `CAP_`. */
  readonly capabilities: readonly string[];
  /** It sees this machine's files, and can mount them into tasks. */
  readonly mounts: boolean;
}

/** A task as its engine has read it; the engine may know more of it. */
export interface Examined {
  readonly run: RunSpec;
  /** What this node does not give and another one may: one reason each, for people. The task is declined. */
  readonly refusals: readonly string[];
  /** Why no node could run it, as it is reported once the task was taken; null when there is nothing wrong with it. */
  readonly failure: Failure | null;
}

/** A file or a folder of this machine that a task sees and cannot write. */
export interface Mount {
  /** Absolute, on this machine. */
  readonly source: string;
  /** Absolute, in the container. */
  readonly target: string;
}

/** What the agent has prepared for a container. */
export interface Provisions {
  readonly network: ContainerNetwork;
  /** The task's variables and Shoal's own. The engine's own parameters go over them. */
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
}

/** Who waits for a container to be made. */
export interface Creating {
  /** Ends the getting of what the container is made of. */
  readonly signal: AbortSignal;
  /** What it is made of was not there: it was got, or was not to be had, and that took so many ms. */
  readonly pulled: (ms: number) => void;
}

/**
 * Runs containers. Every method but `probe`, `offers` and `examine` throws `EngineError`, and `create` also whatever its
 * signal was aborted with. All of them may be repeated.
 */
export interface Engine {
  /** As it stands in a task's `Engine.Type`, lower case. */
  readonly type: string;
  /** Looks whether the engine answers. Never rejects. */
  probe(): Promise<EngineHealth>;
  /** As of the last probe. */
  offers(): EngineOffers;
  /** Reads a task's parameters, once, and says all that it would refuse, before anything is made. Pure. */
  examine(run: RunSpec): Examined;
  /**
   * Makes the execution's container, or finds the one that is there, in any state. Gets what it is made of when that is
   * missing.
   * @param task what this engine's `examine` gave
   */
  create(task: Examined, provisions: Provisions, creating: Creating): Promise<Container>;
  find(executionId: ExecutionId): Promise<Container | null>;
  /** Brings back what of a running container's surroundings went down with the former agent. */
  resume?(run: RunSpec, network: ContainerNetwork): Promise<void>;
  /** Starting a container that runs or has run changes nothing. */
  start(executionId: ExecutionId): Promise<void>;
  /** Resolves when the container has ended, at once when it already has. */
  wait(executionId: ExecutionId): Promise<Ended>;
  /** Asks it to end, then kills it after `graceMs`; resolves when it is no longer running. */
  stop(executionId: ExecutionId, graceMs: number): Promise<void>;
  /**
   * What the container prints from now on, as it is written; ends with the container, or with the connection. The task is
   * held back while nobody reads. Absent in engines that only keep output.
   */
  output?(executionId: ExecutionId): Promise<Output>;
  /** The output that the engine has kept up to now, without a line that is not ended yet. */
  kept?(executionId: ExecutionId, range?: KeptRange): Promise<Output>;
  /** When the first of what the engine has kept was printed, epoch ms; null when it has kept nothing. */
  keptSince?(executionId: ExecutionId): Promise<number | null>;
  /** Removes the container, running or not; one that is not there is no error. */
  remove(executionId: ExecutionId): Promise<void>;
  /** All containers of this node, whoever wants them. */
  list(): Promise<Container[]>;
  /** Takes away what serves all of the node's tasks. For an agent that ends and has none left. */
  close?(): Promise<void>;
}

/** Why the engine could not do what was asked. */
export class EngineError extends StepError {
  /** The engine did not answer: what was asked may have been done all the same, and may be asked again. */
  readonly unreachable: boolean;

  constructor(failure: Failure, options: { unreachable?: boolean; cause?: unknown } = {}) {
    super(failure, options.cause);
    this.name = 'EngineError';
    this.unreachable = options.unreachable ?? false;
  }
}
