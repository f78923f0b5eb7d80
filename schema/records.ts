import type { EpochMs, EpochUs, EvaluationId, ExecutionId, JobId, NodeId } from './ids.ts';
import type { Constraint, Resources } from './job/job.ts';
import type { Asks, Offers } from './offers.ts';
import type { Phases } from './phases.ts';
import type { ComputeState, Connection, DesiredState, EventType, JobState, JobType, Membership } from './states.ts';

/**
 * Rows as the Scheduler holds them and the store keeps them. Keys are camelCase here, snake_case in SQL, and become
 * Bacalhau's JSON in `src/http/present.ts` alone. Everything is a plain value, replaced rather than changed.
 */

/** What placement needs to know of a job, small enough to hold for a hundred thousand waiting ones. */
export interface Needs {
  readonly engine: string;
  /** Empty when the task publishes nothing. */
  readonly publisher: string;
  readonly sources: readonly string[];
  readonly constraints: readonly Constraint[];
  /** What an owner of a machine may refuse; absent when nothing of the kind is asked for. */
  readonly asks?: Asks;
  readonly taskName: string;
  /** For one execution. */
  readonly resources: Resources;
  /** 0 means none. */
  readonly executionTimeoutMs: number;
  /** How long a partition may wait for a node; null means the server's default. */
  readonly queueTimeoutMs: number | null;
  /** 0 means none. */
  readonly totalTimeoutMs: number;
}

/** So that history says anew why a job waits only when that has changed, and not for ever. */
export interface Told {
  /** Which kinds of reasons there were, in one text. */
  readonly kinds: string;
  readonly at: EpochMs;
  /** How often this version's history was told. */
  readonly times: number;
}

export interface JobRecord {
  readonly id: JobId;
  readonly cell: string;
  readonly namespace: string;
  readonly name: string;
  readonly type: JobType;
  readonly priority: number;
  readonly count: number;
  readonly needs: Needs;
  /** Of the specification without reserved Meta keys: equal hashes mean that an update changes nothing. */
  readonly specHash: string;
  readonly state: JobState;
  readonly stateMessage: string;
  readonly version: number;
  /** Goes up with every change of state. */
  readonly revision: number;
  /** The last event's number; events are numbered from 1 per job, across versions. */
  readonly eventSeq: number;
  /** When this version was submitted; the clocks of total and queue time start here at the earliest. */
  readonly versionAt: EpochMs;
  /** Since when some partition has been waiting for a node; null while none is. */
  readonly waitingSince: EpochMs | null;
  /** What its history was told of why no node could take it; null when nothing was. */
  readonly told: Told | null;
  readonly createdAt: EpochUs;
  readonly modifiedAt: EpochUs;
}

/**
 * Why an execution failed, which decides what follows: `infrastructure` (node lost, agent stopped, engine gone) does not
 * spend the user's attempts, `environment` (start error, out of memory, timeout, input, publisher) is tried again with a
 * back-off, `permanent` (no such image, no such executable, bad parameters) is not.
 */
export const failureClasses = ['infrastructure', 'environment', 'permanent'] as const;
export type FailureClass = (typeof failureClasses)[number];

/** The head of each stream, at most MAX_RUN_OUTPUT_BYTES of UTF-8. */
export interface RunOutput {
  readonly stdout: string;
  readonly stdoutTruncated: boolean;
  readonly stderr: string;
  readonly stderrTruncated: boolean;
  readonly exitCode: number;
  readonly errorMessage: string;
}

/** One attempt of one partition of one job version on one node. */
export interface ExecutionRecord {
  readonly id: ExecutionId;
  readonly cell: string;
  readonly namespace: string;
  readonly jobId: JobId;
  readonly jobVersion: number;
  readonly partition: number;
  readonly nodeId: NodeId;
  readonly evalId: EvaluationId;
  readonly computeState: ComputeState;
  readonly computeMessage: string;
  readonly desiredState: DesiredState;
  readonly desiredMessage: string;
  /** Set with a terminal state other than Completed. */
  readonly failureClass: FailureClass | null;
  /** True once the node was lost under it: it may still count if its node returns with Completed. */
  readonly fenced: boolean;
  /** Charged to the node until the execution ends. */
  readonly resources: Resources;
  /** The last report that was taken; a report up to it changes nothing. */
  readonly lastSeq: number;
  /** When the agent said that the task itself started; null before. */
  readonly runningSince: EpochMs | null;
  /** How long each part of it took, as its agent said with its end; absent before, and of agents that do not say it. */
  readonly phases?: Phases;
  readonly revision: number;
  readonly createdAt: EpochUs;
  readonly modifiedAt: EpochUs;
}

export interface EventRecord {
  readonly jobId: JobId;
  readonly seq: number;
  readonly type: EventType;
  readonly jobVersion: number;
  /** Empty for an event of the job itself. */
  readonly executionId: ExecutionId | '';
  readonly topic: string;
  readonly message: string;
  readonly details: Readonly<Record<string, string>>;
  readonly createdAt: EpochUs;
}

/** What a node says about itself in `hello`. */
export interface NodeInfo {
  readonly agentVersion: string;
  readonly os: string;
  readonly arch: string;
  /** What the machine calls itself; absent when its agent does not say. */
  readonly hostname?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly engines: readonly string[];
  readonly publishers: readonly string[];
  readonly sources: readonly string[];
  /** What the node offers in all. */
  readonly capacity: Resources;
  /** What its owner allows; absent for agents that do not say: then only their declines tell. */
  readonly offers?: Offers;
}

export interface NodeRecord {
  readonly id: NodeId;
  readonly cell: string;
  readonly membership: Membership;
  readonly connection: Connection;
  /** No new work is placed on it; what runs there ends in its own time. */
  readonly draining: boolean;
  /** When the identity was deleted; 0 while it stands. */
  readonly deletedAt: EpochMs;
  readonly info: NodeInfo;
  readonly lastError: string;
  /** When the present or last session began. */
  readonly connectedAt: EpochMs;
  /** 0 while connected. */
  readonly disconnectedAt: EpochMs;
  readonly createdAt: EpochUs;
  readonly modifiedAt: EpochUs;
}

/** Room that is kept on one node for one waiting job. It is a bet that the room comes free, and has an end. */
export interface Hold {
  readonly jobId: JobId;
  readonly jobVersion: number;
  /** Null while no node could take the job: the bet runs on, and costs nobody anything. */
  readonly nodeId: NodeId | null;
  /** Since when room is kept on this node. */
  readonly since: EpochMs;
  /** When it lapses, whatever came of it. */
  readonly until: EpochMs;
}

/** What is remembered of a job whose holds lapsed, for as long as it waits. */
export interface Lapse {
  readonly jobId: JobId;
  readonly jobVersion: number;
  /** How many holds lapsed. */
  readonly times: number;
  /** When the last one did. */
  readonly at: EpochMs;
  /** Where room was kept last; null when nowhere. */
  readonly nodeId: NodeId | null;
}

/** For which waiting job room is kept, and what is remembered of holds that lapsed. One a cell, kept in its fence row. */
export interface Reservations {
  readonly hold: Hold | null;
  /** No hold begins before this. */
  readonly restUntil: EpochMs;
  /** At most MAX_LAPSES, one a job. */
  readonly lapses: readonly Lapse[];
}

export const NO_RESERVATIONS: Reservations = { hold: null, restUntil: 0, lapses: [] };
