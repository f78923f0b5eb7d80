import { readErrorText } from '@shoal/schema/issue-text';
import type { Failure } from '@shoal/schema/protocol/common';

/** What the agent needs from the outside world besides its socket, its journal and its engine; simulations bring their own. */

export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. For what is compared across restarts. */
  now(): number;
  /** Milliseconds that never go back; meaningful only within one process. For deadlines. */
  monotonic(): number;
  /** Calls `run` once after `delayMs`; the answer cancels it. */
  after(delayMs: number, run: () => void): Cancel;
}

/** Uniform in [0, 1). */
export type Random = () => number;

export type Fields = Readonly<Record<string, unknown>>;

/** One line an event; `event` is a short dotted name such as `task.ended`. Never a credential, never a task's output. */
export interface Log {
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
}

/** Why a step of an execution failed, ready to be reported. */
export class StepError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, cause?: unknown) {
    super(failure.message, cause === undefined ? undefined : { cause });
    this.name = 'StepError';
    this.failure = failure;
  }
}

/** Resolves after `delayMs`, or at once when the signal aborts; never rejects. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** The message of whatever was thrown. */
export function errorText(error: unknown): string {
  const unread = readErrorText(error);
  if (unread !== null) return `an answer that cannot be read: ${unread}`;
  return error instanceof Error ? error.message : String(error);
}
