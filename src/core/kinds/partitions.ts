import type { JobRecord } from '../../../schema/records.ts';
import { declinedBy, placePartitions, whyNodesDoNot, type Placement } from '../placement/place.ts';
import { notEnoughNodes } from '../placement/reasons.ts';
import { enterQueue, isBeforeHold, leaveLine, leaveQueue } from '../placement/kept-free.ts';
import type { Turn } from '../turn.ts';

/** What batch and service jobs share: a number of partitions, each on any one node. */

/** Places what can be placed, and puts the rest in line. */
export function arrangePartitions(turn: Turn, job: JobRecord): void {
  const { queue } = turn.world;
  if (turn.world.book(job).unplacedCount === 0) return leaveQueue(turn, job.id);
  const barred = [...declinedBy(turn, job).keys()];
  if (queue.has(job.id)) {
    if (queue.isInPlace(job.id, job.needs, barred)) return;
    // Those who need the same must not wait behind one that a node has declined meanwhile, or has declined no more.
    leaveLine(turn, job.id);
  }
  // Those who need the same and came first have found no node: neither would this job, unless room is kept from them.
  const isBlocked = queue.holds(job.needs, barred) && !isBeforeHold(turn, job);
  afterPlacing(turn, job, isBlocked ? 'blocked' : placePartitions(turn, job));
}

export function afterPlacing(turn: Turn, job: JobRecord, placement: Placement): void {
  const { timers } = turn.world;
  switch (placement) {
    case 'placed':
      leaveQueue(turn, job.id);
      return;
    case 'more':
      // After those that this turn did not come to.
      timers.set('retry', job.id, turn.now + 1);
      return;
    case 'blocked':
      waitInLine(turn, job);
  }
}

/** Puts the job in line behind those that need the same. */
export function waitInLine(turn: Turn, job: JobRecord): void {
  enterQueue(turn, job, declinedBy(turn, job).keys());
}

/** Why partitions wait: for a node, or for their next attempt. */
export function partitionsReason(turn: Turn, job: JobRecord): string {
  const book = turn.world.book(job);
  if (turn.world.queue.has(job.id)) {
    return notEnoughNodes(book.unplacedCount, whyNodesDoNot(turn, job), turn.world.nodes.size);
  }
  for (const partition of book.unplaced()) {
    const { last } = book.attempts(partition);
    if (last === null) continue;
    return `the next attempt follows shortly. last failure: ${last.computeMessage || last.desiredMessage}`;
  }
  return 'it is looked at again shortly';
}

/** The job's own limit, else the server's. */
export function partitionsQueueTimeoutMs(turn: Turn, job: JobRecord): number {
  return job.needs.queueTimeoutMs ?? turn.env.settings.defaultQueueTimeoutMs;
}
