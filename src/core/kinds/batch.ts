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
