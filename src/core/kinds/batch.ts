import type { JobRecord } from '../../../schema/records.ts';
import { settleState } from '../job-state.ts';
import type { Turn } from '../turn.ts';
import { stateByLiveness, type Kind } from './kind.ts';
import { arrangePartitions, partitionsQueueTimeoutMs, partitionsReason } from './partitions.ts';

/** Count partitions, each run to completion once. */
export const batch: Kind = {
  arrange: arrangePartitions,
  state: (turn, job) => {
    const book = turn.world.book(job);
    return book.completed >= book.count ? 'Completed' : stateByLiveness(job.state, book);
  },
  reason: partitionsReason,
  queueTimeoutMs: partitionsQueueTimeoutMs,
};

/**
 * The job as earlier events of this turn left it: a batch job whose last partition has just been completed has ended,
 * whatever else this turn brings.
 */
export function concluded(turn: Turn, job: JobRecord): JobRecord {
  if (job.type !== 'batch' || batch.state(turn, job) !== 'Completed') return job;
  settleState(turn, job.id, batch);
  return turn.world.job(job.id) ?? job;
}
