import type { EpochMs, EpochUs, JobId } from '../../schema/ids.ts';
import type { JobSpec } from '../../schema/job/job.ts';
import type { JobRecord, Reservations } from '../../schema/records.ts';
import type { Changes } from '../core/turn.ts';
import type { Loaded } from '../core/world.ts';
import type { ClearFailure } from './failure.ts';

/** The fence row: which Scheduler may write, and what it wrote last. */
export interface FenceRow {
  readonly epoch: number;
  readonly commitSeq: number;
  readonly commitId: string;
  /** 0 when there is no deadline. */
  readonly nextWake: EpochMs;
  readonly clock: EpochUs;
  readonly reservations: Reservations;
}

/** One turn's rows with what the writer believes about the fence: all of it is written, or nothing. */
export interface Batch {
  readonly cell: string;
  readonly epoch: number;
  /** The sequence number before this batch. */
  readonly commitSeq: number;
  /** Random; found in the fence row it proves that this batch was committed. */
  readonly commitId: string;
  readonly nextWake: EpochMs;
  readonly clock: EpochUs;
  readonly reservations: Reservations;
  readonly now: EpochMs;
  readonly changes: Changes;
  /** Jobs that ended before this go, with all that belongs to them: at most `limit`, the oldest first. */
  readonly prune: { readonly before: EpochUs; readonly limit: number } | null;
}

export type CommitOutcome =
  /** With the size of the database afterwards, 0 when it is not known, and how many jobs were pruned. */
  | { readonly type: 'committed'; readonly databaseBytes: number; readonly pruned: number }
  /** The fence row says something else than the batch believes. */
  | { readonly type: 'guarded' }
  /** A clear error of the batch itself; nothing was written. */
  | { readonly type: 'refused'; readonly reason: string }
  /** The database can take nothing at present; nothing was written. */
  | { readonly type: 'unwritable'; readonly failure: ClearFailure; readonly reason: string }
  /** Anything else: it may have been written or not. */
  | { readonly type: 'unknown'; readonly reason: string };

export interface JobNameKey {
  readonly namespace: string;
  readonly name: string;
}

/** A client's token within the namespace of its job. */
export interface TokenKey {
  readonly namespace: string;
  readonly token: string;
}

/** What a client's token was used for. */
export interface TokenUse extends TokenKey {
  readonly requestHash: string;
  /** JSON. */
  readonly answer: string;
}

export interface SpecKey {
  readonly jobId: JobId;
  readonly version: number;
}

/** What the Scheduler needs of a database. Implementations throw only when the database does not answer. */
export interface Store {
  /** Takes over the cell with a new epoch and loads what is active, in that order. */
  open(cell: string, now: EpochMs): Promise<{ loaded: Loaded; fence: FenceRow }>;
  commit(batch: Batch): Promise<CommitOutcome>;
  readFence(cell: string): Promise<FenceRow | null>;
  /** Jobs by exact id or by namespace and name, whatever their state; those that do not exist are left out. */
  findJobs(ids: readonly JobId[], names: readonly JobNameKey[]): Promise<readonly JobRecord[]>;
  /** JSON of the answers that these commands got, by command id. */
  findCommands(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Commands that carried these tokens and have not expired. */
  findTokens(keys: readonly TokenKey[], now: EpochMs): Promise<readonly TokenUse[]>;
  /** How the orchestrator names itself among the nodes. */
  orchestratorId(): Promise<string>;
  /** Specifications by `<jobId>/<version>`. */
  findSpecs(keys: readonly SpecKey[]): Promise<ReadonlyMap<string, JobSpec>>;
}

export function specKey({ jobId, version }: SpecKey): string {
  return `${jobId}/${version}`;
}
