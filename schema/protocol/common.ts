import { z } from 'zod';
import { failureClasses, type FailureClass, type RunOutput } from '../records.ts';
import { MAX_MESSAGE_BYTES, MAX_RUN_OUTPUT_BYTES } from '../limits.ts';
import { computeStates } from '../states.ts';
import { ExecutionId } from '../ids.ts';
import { cutText } from '../text.ts';

/** One execution that the agent holds: it runs, or it ended and its last report is not acknowledged. */
export const Held = z.object({
  executionId: ExecutionId,
  state: z.enum(computeStates),
  lastSeq: z.int().nonnegative(),
});
export type Held = z.infer<typeof Held>;

/** Characters never outnumber bytes of UTF-8, so the sender's cut in bytes passes these checks. */
export const Message = z.string().max(MAX_MESSAGE_BYTES);

export const Output = z.object({
  stdout: z.string().max(MAX_RUN_OUTPUT_BYTES),
  stdoutTruncated: z.boolean(),
  stderr: z.string().max(MAX_RUN_OUTPUT_BYTES),
  stderrTruncated: z.boolean(),
  /** -1 when the task never ended by itself. */
  exitCode: z.int(),
  errorMessage: Message,
}) satisfies z.ZodType<RunOutput>;

export const Failure = z.object({
  class: z.enum(failureClasses),
  message: Message,
  /** What the user can do about it; empty when there is nothing to say. */
  hint: Message,
  /** The step that failed, as a topic of the job's history. */
  topic: z.string().max(64),
});
export type Failure = z.infer<typeof Failure>;

/** Steps of an execution as topics of the job's history. @see Bacalhau pkg/compute: event topics */
export type FailureTopic =
  | 'Exec Scanning'
  | 'Downloading Inputs'
  | 'Preparing Environment'
  | 'Running Execution'
  | 'Publishing Results';

/** A failure with its texts cut to what a frame holds. */
export function makeFailure(kind: FailureClass, topic: FailureTopic, message: string, hint = ''): Failure {
  const cut = (text: string): string => cutText(text, MAX_MESSAGE_BYTES);
  return { class: kind, message: cut(message), hint: cut(hint), topic };
}
