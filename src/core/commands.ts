import type { ErrorShape } from '../../schema/errors.ts';
import type { EpochMs, EvaluationId, JobId, NodeId } from '../../schema/ids.ts';
import type { Resources } from '../../schema/job/job.ts';
import type { Needs } from '../../schema/records.ts';
import type { JobType } from '../../schema/states.ts';

/** The command was durable before this was answered, or it is an error and nothing changed. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorShape };

/** A client's own token for a submission: sent again with the same request it is the same submission. */
export interface Idempotency {
  readonly token: string;
  /** Of what was asked for: the same token with another hash is a conflict. */
  readonly requestHash: string;
}

/** Ids are made by the Worker, so that the same command sent twice is one command. */
export interface Identified {
  readonly commandId: string;
  /** True when the Worker sends it again: the Scheduler then looks for the first answer. */
  readonly retry: boolean;
}

/** What a version of a job asks for, read once where it came in. */
export interface Specified {
  readonly priority: number;
  readonly count: number;
  readonly needs: Needs;
  /** JSON of `JobSpec`, at most MAX_SPEC_BYTES. */
  readonly spec: string;
  readonly specHash: string;
  /** Those of `spec`, by which jobs are found. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface SubmitJob extends Identified, Specified {
  /** Taken when no job of this namespace and name exists; an update keeps the old job's id. */
  readonly jobId: JobId;
  readonly evaluationId: EvaluationId;
  readonly namespace: string;
  readonly name: string;
  readonly type: JobType;
  /** Update although the specification is the same. */
  readonly force: boolean;
  readonly idempotency?: Idempotency;
}

export interface SubmitAnswer {
  readonly jobId: JobId;
  readonly evaluationId: EvaluationId;
  readonly version: number;
  /** For whoever submitted it: what they may not expect. Answers that were stored before there were any have none. */
  readonly warnings?: readonly string[];
}

/** What one node would do with a job. */
export interface DryRunNode {
  readonly nodeId: NodeId;
  /** Why it would not take it now; empty when it would. */
  readonly reason: string;
}

/** Where a job would run if it were submitted. */
export interface DryRunAnswer {
  /** Some of it would start at once. */
  readonly starts: boolean;
  /** Those that would take it first, the best one at their head. */
  readonly nodes: readonly DryRunNode[];
  /** What its submission would be answered with when no connected node could take it. */
  readonly warnings: readonly string[];
}

export interface StopJob extends Identified {
  readonly jobId: JobId;
  readonly evaluationId: EvaluationId;
  /** Shown as the job's state message. */
  readonly reason: string;
}

export interface StopAnswer {
  /** Empty when the job had already ended and nothing changed. */
  readonly evaluationId: EvaluationId | '';
}

/** Puts a stored version of a job to work again, as a new version that is specified like it. */
export interface RerunJob extends Identified, Specified {
  readonly jobId: JobId;
  readonly evaluationId: EvaluationId;
}

export const nodeActions = ['approve', 'reject', 'delete', 'drain', 'resume'] as const;
export type NodeAction = (typeof nodeActions)[number];

export interface ChangeNode extends Identified {
  readonly nodeId: NodeId;
  readonly action: NodeAction;
  /** Kept with the node and shown as its last error when it is rejected. */
  readonly message: string;
}

export interface ChangeNodeAnswer {
  readonly nodeId: NodeId;
}

/** What only the Scheduler knows of a node. */
export interface LiveNode {
  readonly nodeId: NodeId;
  readonly connected: boolean;
  /** Of its last frame or heartbeat; 0 when unknown. */
  readonly lastHeard: EpochMs;
  /** Capacity minus what is charged. */
  readonly available: Resources;
  readonly runningExecutions: number;
}
