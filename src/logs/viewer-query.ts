import type { ExecutionId, JobId } from '../../schema/ids.ts';

/** What a reader asks of a LogStream. */
export interface Asked {
  /** Null: of the job, as soon as it has one. */
  readonly executionId: ExecutionId | null;
  readonly jobId: JobId | null;
  /** Of the job; 0 means any. */
  readonly version: number;
  readonly follow: boolean;
  readonly tail: boolean;
}

/** How it is read, and by whose token; it ends with that. Null: by none that can end. */
export type ReadAs =
  | { readonly as: 'socket'; readonly token: string | null }
  | {
      readonly as: 'text';
      readonly token: string | null;
      /** Null: both. */
      readonly stream: 'stdout' | 'stderr' | null;
      /** The request's `Range` header. */
      readonly range: string | null;
    };

/** The same as the query of a request to the LogStream. */
export function viewerQuery({ executionId, jobId, version, follow, tail }: Asked): URLSearchParams {
  return new URLSearchParams({
    ...(executionId !== null && { execution: executionId }),
    ...(executionId === null && jobId !== null && { job: jobId, version: String(version) }),
    follow: String(follow),
    tail: String(tail),
  });
}
