import { z } from 'zod';
import { ExecutionId } from '@shoal/schema/ids';
import { Phases } from '@shoal/schema/phases';
import { Report } from '@shoal/schema/protocol/from-agent';
import { RunSpec } from '@shoal/schema/protocol/to-agent';
import { containerNetworks, type Ended as EngineEnded } from '../engines/engine.ts';

/**
 * Why a task is ended before its own end: the Scheduler's `stop`, the execution timeout, or this agent going down. It is
 * journalled before the kill, else a restarted agent would take the kill's exit code for the task's own.
 */
export const StopRequest = z.object({ kind: z.enum(['stop', 'timeout', 'shutdown']), message: z.string() });
export type StopRequest = z.infer<typeof StopRequest>;

const Ended = z.object({
  exitCode: z.int(),
  outOfMemory: z.boolean(),
  looksKilled: z.boolean(),
}) satisfies z.ZodType<EngineEnded>;

const base = z.object({ executionId: ExecutionId });

/** One line of the journal. Each may be replayed twice; the second time changes nothing. */
export const JournalRecord = z.discriminatedUnion('type', [
  /** Durable before the `ack`. What was promised when it was taken holds, whatever the node offers later. */
  base.extend({ type: z.literal('taken'), run: RunSpec, network: z.enum(containerNetworks).default('none') }),
  /** Durable before the container starts: from here on a missing container means that its work is lost. */
  base.extend({ type: z.literal('starting'), phases: Phases.optional() }),
  /** How the container ended; durable before the results are published. */
  base.extend({ type: z.literal('ran'), end: Ended, phases: Phases }),
  /** Durable before the kill. */
  base.extend({ type: z.literal('stopping'), request: StopRequest }),
  /** Durable before its report is sent. Also of executions that were stopped before they came. */
  base.extend({ type: z.literal('ended'), report: Report, at: z.number() }),
  /** Durable before the `reject`. */
  base.extend({ type: z.literal('rejected'), reason: z.string(), at: z.number() }),
  base.extend({ type: z.literal('acknowledged'), seq: z.int().positive() }),
  /** The `taken` could not be written; the execution was declined. */
  base.extend({ type: z.literal('forgotten') }),
]);
export type JournalRecord = z.infer<typeof JournalRecord>;
