import { KEPT_UP_MEMORY_MS } from '../../../schema/limits.ts';
import type { ExecutionRecord, JobRecord } from '../../../schema/records.ts';
import { stopForUpdate } from '../dispatch.ts';
import { isLive } from '../execution.ts';
import type { Turn } from '../turn.ts';
import { stateByLiveness, type Kind } from './kind.ts';
import { arrangePartitions, partitionsQueueTimeoutMs, partitionsReason } from './partitions.ts';

/** Count copies, kept up until somebody stops them. */
export const service: Kind = {
  arrange: (turn, job) => {
    turn.world.dropEnded(job, (turn.now - KEPT_UP_MEMORY_MS) * 1000);
    roll(turn, job);
    arrangePartitions(turn, job);
  },
  state: (turn, job) => {
    const book = turn.world.book(job);
    // A service of no copies has nothing to wait for.
    if (book.count === 0) return 'Pending';
    const started = book.started + oldLive(turn, job).length;
    return stateByLiveness(job.state, { started, live: started + book.live });
  },
  reason: partitionsReason,
  queueTimeoutMs: partitionsQueueTimeoutMs,
};

/**
 * Replaces the copies of an older version one at a time: the next one is stopped only when every copy of the new version
 * that was begun runs. So an update that does not start leaves the other old copies at work.
 */
function roll(turn: Turn, job: JobRecord): void {
  const old = oldLive(turn, job);
  const surplus = old.filter((e) => e.partition >= job.count);
  for (const execution of surplus) stopForUpdate(turn, execution, job);
  const next = old.filter((e) => e.partition < job.count).sort((a, b) => a.partition - b.partition)[0];
  if (next === undefined) return;
  const book = turn.world.book(job);
  const isSettled = book.live === book.running && !heldBack(turn, job, old);
  if (isSettled) stopForUpdate(turn, next, job);
}

/** True while some partition of the new version that has no old copy any more does not run. */
function heldBack(turn: Turn, job: JobRecord, old: readonly ExecutionRecord[]): boolean {
  const book = turn.world.book(job);
  return book.unplacedCount > new Set(old.map((e) => e.partition).filter((p) => book.isUnplaced(p))).size;
}

function oldLive(turn: Turn, job: JobRecord): ExecutionRecord[] {
  return turn.world.executionsOf(job.id).filter((e) => e.jobVersion < job.version && isLive(e));
}
