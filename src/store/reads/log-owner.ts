import { z } from 'zod';
import { ExecutionId, JobId, NodeId, type EpochUs } from '../../../schema/ids.ts';
import { computeStates, type ComputeState } from '../../../schema/states.ts';
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

const Row = z.object({
  id: ExecutionId,
  job_id: JobId,
  node_id: NodeId,
  namespace: z.string(),
  compute_state: z.enum(computeStates),
  compute_message: z.string(),
  running_since: z.int().nullable(),
  modified_at: z.int(),
});

const COLUMNS = Object.keys(Row.shape).join(', ');

/** The execution of that id, or null. @throws ShoalError 503 when the database does not answer */
export async function findLogOwner<S>(db: Database<S>, executionId: string): Promise<LogOwner | null> {
  const sql = `SELECT ${COLUMNS} FROM executions WHERE id = ?1`;
  const [[row] = []] = await runBatch(db, [{ sql, params: [executionId] }]);
  if (row === undefined) return null;
  const read = Row.parse(row);
  return {
    executionId: read.id,
    jobId: read.job_id,
    nodeId: read.node_id,
    namespace: read.namespace,
    computeState: read.compute_state,
    computeMessage: read.compute_message,
    hasRun: read.running_since !== null || read.compute_state === 'Completed',
    modifiedAt: read.modified_at,
  };
}
