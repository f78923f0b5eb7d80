import type { Failure } from '@shoal/schema/protocol/common';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';

/**
 * The port of publishers: all that one of them may know of the agent. A new publisher is a file that implements `Publisher`
 * and a line in `publishers.ts`.
 */

export interface PublishRequest {
  readonly run: RunSpec;
  /** `Publisher.Params`, as the user wrote them. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Absolute: the results, as files `stdout`, `stderr` and `exitCode`. Null where the publisher collects nothing. */
  readonly folder: string | null;
  /** Aborted when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** Where the results of a task go. */
export interface Publisher {
  /** As it stands in `Publisher.Type`, lower case. */
  readonly type: string;
  /** Whether it wants the results as files. */
  readonly collects: boolean;
  /** Why no node could publish so; null when there is nothing wrong with its parameters. Pure. */
  examine(params: Readonly<Record<string, unknown>>): Failure | null;
  /** May be repeated, also by the next agent. Rejects with a `StepError`, or with whatever the signal was aborted with. */
  publish(request: PublishRequest): Promise<void>;
}
