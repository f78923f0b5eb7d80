import type { EpochUs, ExecutionId, JobId, NodeId } from '../../../schema/ids.ts';
import type { ComputeState } from '../../../schema/states.ts';
import { runBatch, type Database } from './run-batch.ts';

/** Whose log it is. */
export interface LogOwner {
  readonly executionId: ExecutionId;
  readonly jobId: JobId;
  readonly nodeId: NodeId;
  readonly namespace: string;
  readonly computeState: ComputeState;
  readonly computeMessage: string;
  /** Its task was started. */
  readonly hasRun: boolean;
  readonly modifiedAt: EpochUs;
}

/** The execution of that id, or null. @throws ShoalError 503 when the database does not answer */
export async function findLogOwner<S>(db: Database<S>, executionId: string): Promise<LogOwner | null> {
  const sql = `SELECT id AS "executionId", job_id AS "jobId", node_id AS "nodeId", namespace,
    compute_state AS "computeState", compute_message AS "computeMessage",
    running_since IS NOT NULL OR compute_state = 'Completed' AS "hasRun", modified_at AS "modifiedAt"
    FROM executions WHERE id = ?1`;
  const [[row] = []] = await runBatch(db, [{ sql, params: [executionId] }]);
  if (row === undefined) return null;
  const read = row as unknown as Omit<LogOwner, 'hasRun'> & { readonly hasRun: number };
  return { ...read, hasRun: read.hasRun === 1 };
}
