import type { Failure } from '@shoal/schema/protocol/common';

/**
 * The port of inputs: all that one of them may know of the agent. A new source is a file that implements `Input` and a line
 * in `inputs.ts`.
 */

export interface InputRequest {
  /** `Source.Params`, as the user wrote them. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Absolute; empty, and of this input alone. */
  readonly folder: string;
  /** What it may take on the disk, in bytes. */
  readonly maxBytes: number;
  /** Aborted when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** What was put into the folder. */
export interface Fetched {
  /** Absolute: the file or the folder that is mounted at the input's target. */
  readonly path: string;
  readonly bytes: number;
}

/** Where the bytes of a task's inputs come from. */
export interface Input {
  /** As it stands in `Source.Type`, lower case. */
  readonly type: string;
  /** Why no node could get it; null when there is nothing wrong with its parameters. Pure. */
  examine(params: Readonly<Record<string, unknown>>): Failure | null;
  /** Rejects with a `StepError`, or with whatever the signal was aborted with. */
  fetch(request: InputRequest): Promise<Fetched>;
}
