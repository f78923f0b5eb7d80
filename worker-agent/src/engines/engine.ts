import type { ExecutionId } from '@shoal/schema/ids';
import type { Failure } from '@shoal/schema/protocol/common';
import type { RunSpec } from '../journal/records.ts';
import type { ContainerNetwork } from './container-network.ts';

export type { ContainerNetwork } from './container-network.ts';

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
}

/** The head of each stream, at most MAX_RUN_OUTPUT_BYTES of UTF-8 after cleaning. */
export interface Heads {
  readonly stdout: string;
  readonly stdoutTruncated: boolean;
  readonly stderr: string;
  readonly stderrTruncated: boolean;
}

/** Times in epoch ms of the engine's clock, both included. */
export interface KeptRange {
  /** Both, when nothing is said. */
  readonly stream?: 'stdout' | 'stderr';
  readonly since?: number;
  readonly until?: number | null;
}

export type EngineHealth =
  | {
      readonly ready: true;
      readonly description: string;
      /** It can keep tasks away from the owner's network: `filtered` and `http` may be asked for. Absent means no. */
      readonly isolates?: boolean;
    }
  /** What was tried and what a person can do. */
  | { readonly ready: false; readonly error: string; readonly hint: string };

/**
 * Runs containers. Every method but `probe` throws `EngineError`, and `create` also whatever its signal was aborted with.
 * All of them may be repeated.
 */
export interface Engine {
  /** As it stands in a task's `Engine.Type`, lower case. */
  readonly type: string;
  /** Looks whether the engine answers. Never rejects. */
  probe(): Promise<EngineHealth>;
  /**
   * Makes the execution's container, or finds the one that is there, in any state. Gets the image when it is missing;
   * an aborted signal ends that.
   */
  create(run: RunSpec, network: ContainerNetwork, signal: AbortSignal): Promise<Container>;
  find(executionId: ExecutionId): Promise<Container | null>;
  /** Brings back what of a running container's surroundings went down with the former agent. */
  resume?(run: RunSpec, network: ContainerNetwork): Promise<void>;
  /** Starting a container that runs or has run changes nothing. */
  start(executionId: ExecutionId): Promise<void>;
  /** Resolves when the container has ended, at once when it already has. */
  wait(executionId: ExecutionId): Promise<Ended>;
  /** Asks it to end, then kills it after `graceMs`; resolves when it is no longer running. */
  stop(executionId: ExecutionId, graceMs: number): Promise<void>;
  output(executionId: ExecutionId): Promise<Heads>;
  /**
   * The output from now on, as it is written, in Docker's multiplexed framing and cut anywhere; ends with the container, or
   * with the connection. The task is held back while nobody reads. A piece is valid until the next one is asked for. Absent
   * in engines whose containers print nothing.
   */
  capture?(executionId: ExecutionId): Promise<AsyncIterable<Uint8Array>>;
  /** The output that the engine has kept up to now, framed the same way; without a line that is not ended yet. */
  kept?(executionId: ExecutionId, range?: KeptRange): Promise<AsyncIterable<Uint8Array>>;
  /** When the first of what the engine has kept was printed, epoch ms; null when it has kept nothing. */
  keptSince?(executionId: ExecutionId): Promise<number | null>;
  /** Removes the container, running or not; one that is not there is no error. */
  remove(executionId: ExecutionId): Promise<void>;
  /** All containers of this node, whoever wants them. */
  list(): Promise<Container[]>;
  /** Takes away what serves all of the node's tasks. For an agent that ends and has none left. */
  close?(): Promise<void>;
}

/** Why the engine could not do what was asked, ready to be reported. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly failure: Failure;
  /** The engine did not answer: what was asked may have been done all the same, and may be asked again. */
  readonly unreachable: boolean;

  constructor(failure: Failure, options: { unreachable?: boolean; cause?: unknown } = {}) {
    super(failure.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.failure = failure;
    this.unreachable = options.unreachable ?? false;
  }
}
