import { RESERVE_AFTER_MS } from '../../../schema/limits.ts';
import type { JobRecord } from '../../../schema/records.ts';
import { declinedBy, placePartitions, whyNodesDoNot, type Placement } from '../placement/place.ts';
import { notEnoughNodes } from '../placement/reasons.ts';
import { leaveQueue } from '../placement/reservation.ts';
import type { Turn } from '../turn.ts';

/** What batch and service jobs share: a number of partitions, each on any one node. */

/** Places what can be placed, and puts the rest in line. */
export function arrangePartitions(turn: Turn, job: JobRecord): void {
  const { queue } = turn.world;
  if (queue.has(job.id) || turn.world.book(job).unplacedCount === 0) return;
  // Those who need the same and came first have found no node: neither would this job.
  const isBlocked = queue.isBlocked(job.needs, declinedBy(turn, job).keys());
  afterPlacing(turn, job, isBlocked ? 'blocked' : placePartitions(turn, job));
}

export function afterPlacing(turn: Turn, job: JobRecord, placement: Placement): void {
  const { timers } = turn.world;
  switch (placement) {
    case 'placed':
      leaveQueue(turn, job.id);
      return;
    case 'more':
      timers.set('retry', job.id, turn.now);
      return;
    case 'blocked':
      waitInLine(turn, job);
  }
}

/** Puts the job in line behind those that need the same. */
export function waitInLine(turn: Turn, job: JobRecord): void {
  const { queue, timers } = turn.world;
  const barred = [...declinedBy(turn, job).keys()];
  // Whoever is first of those who need the same may get a node kept free for it later.
  if (!queue.isBlocked(job.needs, barred)) timers.set('reserve', job.id, job.versionAt + RESERVE_AFTER_MS);
  queue.add({ jobId: job.id, priority: job.priority, since: job.versionAt }, job.needs, barred);
}

/** Why partitions wait: for a node, or for their next attempt. */
export function partitionsReason(turn: Turn, job: JobRecord): string {
  const book = turn.world.book(job);
  if (turn.world.queue.has(job.id)) return notEnoughNodes(book.unplacedCount, whyNodesDoNot(turn, job));
  for (const partition of book.unplaced()) {
    const { last } = book.attempts(partition);
    if (last === null) continue;
    return `the next attempt follows shortly. last failure: ${last.computeMessage || last.desiredMessage}`;
  }
  return 'it is looked at again shortly';
}

/** The job's own limit, else the server's. */
export function partitionsQueueTimeoutMs(turn: Turn, job: JobRecord): number {
  return job.needs.queueTimeoutMs ?? turn.env.defaultQueueTimeoutMs;
}
