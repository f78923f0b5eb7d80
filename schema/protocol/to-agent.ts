import { z } from 'zod';
import { ExecutionId, JobId } from '../ids.ts';
import { Resources, Task } from '../job/job.ts';
import { jobTypes } from '../states.ts';
import { Message } from './common.ts';
import type { FrameSchema } from './frames.ts';

/** For exactly one execution: its log. Never logged. */
const ExecutionToken = z.string().min(1).max(128);

/** Every frame says which Scheduler and which session it is from; the agent drops those that are older than its welcome. */
const header = z.object({
  epoch: z.int().nonnegative(),
  session: z.string().min(1).max(64),
});

/** Answers `hello`. Until it arrives the agent acts on nothing; what runs keeps running. */
export const Welcome = header.extend({
  type: z.literal('welcome'),
  protocol: z.int().positive(),
  /** `stopOnly`: the node may not run anything, and is emptied; an `active` may follow on the same connection. */
  mode: z.enum(['active', 'stopOnly']),
  heartbeatMs: z.int().positive(),
});
export type Welcome = z.infer<typeof Welcome>;

/** Asks the agent to take one execution. May come again: the agent answers with an `ack`, or with the stored report. */
export const Run = header.extend({
  type: z.literal('run'),
  executionId: ExecutionId,
  jobId: JobId,
  jobVersion: z.int().positive(),
  jobType: z.enum(jobTypes),
  namespace: z.string(),
  partition: z.int().nonnegative(),
  /** The job's Count; 0 for ops and daemon. */
  partitionCount: z.int().nonnegative(),
  task: Task,
  /** What the execution may use. */
  resources: Resources,
  /** From the start of the task, on the agent's monotonic clock; 0 means none. */
  executionTimeoutMs: z.int().nonnegative(),
  /** Proves to the orchestrator that an upload is about this execution. Absent before version 2. */
  token: ExecutionToken.optional(),
});
export type Run = z.infer<typeof Run>;

/** A `run` without the header of the session it came by: all that is needed to run the task, also after a restart. */
export const RunSpec = Run.omit({ type: true, epoch: true, session: true });
export type RunSpec = z.infer<typeof RunSpec>;

/** Ends an execution. An agent that does not know it reports Cancelled and refuses a late `run` of it. */
export const Stop = header.extend({ type: z.literal('stop'), executionId: ExecutionId, reason: Message });
export type Stop = z.infer<typeof Stop>;

/** Answers `hello`: this execution is still wanted. */
export const Keep = header.extend({ type: z.literal('keep'), executionId: ExecutionId });
export type Keep = z.infer<typeof Keep>;

/** The report is durable, or it changes nothing; it need not be sent again. */
export const AckReport = header.extend({
  type: z.literal('ackReport'),
  executionId: ExecutionId,
  seq: z.int().positive(),
});
export type AckReport = z.infer<typeof AckReport>;

/** Somebody reads the execution's log: the agent dials in for it. Since version 2. */
export const OpenLog = header.extend({ type: z.literal('openLog'), executionId: ExecutionId, token: ExecutionToken });
export type OpenLog = z.infer<typeof OpenLog>;

const ToAgent = z.discriminatedUnion('type', [Welcome, Run, Stop, Keep, AckReport, OpenLog]);
export type ToAgent = z.infer<typeof ToAgent>;

export const toAgent: FrameSchema<ToAgent> = {
  schema: ToAgent,
  types: { welcome: true, run: true, stop: true, keep: true, ackReport: true, openLog: true },
};
