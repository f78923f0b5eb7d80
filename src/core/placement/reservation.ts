import type { JobId, NodeId } from '../../../schema/ids.ts';
import { RESERVE_AFTER_MS } from '../../../schema/limits.ts';
import type { JobRecord } from '../../../schema/records.ts';
import { isBefore, type Waiting } from '../wait-queue.ts';
import type { Turn } from '../turn.ts';
import type { World } from '../world.ts';
import { whyNever } from './filters.ts';

/**
 * Keeps a node free for the job at the head of the queue once it has waited long. Without it, small jobs that fit into
 * every gap would keep a big one waiting for ever.
 */
export function reserveForHead(turn: Turn): void {
  const { world } = turn;
  const before = world.reservation;
  world.reservation = reservationFor(turn, firstBlocked(turn));
  // A node that is no longer kept free may suit those who were held back.
  if (before !== null && before.nodeId !== world.reservation?.nodeId) turn.markCapacityChanged();
}

function reservationFor(turn: Turn, head: Waiting | null): World['reservation'] {
  const job = head === null ? null : turn.world.job(head.jobId);
  if (head === null || job === null) return null;
  const ripeAt = head.since + RESERVE_AFTER_MS;
  if (ripeAt > turn.now) {
    turn.world.timers.set('reserve', job.id, ripeAt);
    return null;
  }
  const current = turn.world.reservation;
  if (current?.jobId === job.id && couldTake(turn, job, current.nodeId)) return current;
  const nodeId = emptiest(turn, job);
  return nodeId === null ? null : { jobId: job.id, nodeId };
}

/** Takes a job out of the queue; the node that was kept free for it is free for all again. */
export function leaveQueue(turn: Turn, jobId: JobId): void {
  turn.world.queue.remove(jobId);
  if (turn.world.reservation?.jobId !== jobId) return;
  turn.world.reservation = null;
  turn.markCapacityChanged();
}

/** True when the node is kept free for a job that comes before this one. */
export function isKeptFree(turn: Turn, job: JobRecord, nodeId: NodeId): boolean {
  const { reservation } = turn.world;
  if (reservation === null || reservation.nodeId !== nodeId || reservation.jobId === job.id) return false;
  const owner = turn.world.job(reservation.jobId);
  return owner !== null && isBefore(waitingOf(owner), waitingOf(job));
}

/** The first in the queue that some connected node could take if nothing else ran there. */
function firstBlocked(turn: Turn): Waiting | null {
  let first: Waiting | null = null;
  for (const shape of turn.world.queue.shapes()) {
    const head = shape.line.head();
    if (head === undefined || (first !== null && isBefore(first, head))) continue;
    const job = turn.world.job(head.jobId);
    if (job !== null && emptiest(turn, job) !== null) first = head;
  }
  return first;
}

/** Of the nodes that could take the job, the one with the most room; it stays chosen while it empties. */
function emptiest(turn: Turn, job: JobRecord): NodeId | null {
  let best: { nodeId: NodeId; free: number } | null = null;
  for (const { nodeId } of turn.world.sessions.values()) {
    if (!couldTake(turn, job, nodeId)) continue;
    const node = turn.world.nodes.get(nodeId);
    const free = node === undefined ? 0 : turn.world.free(node).cpuMicros;
    if (best === null || free > best.free || (free === best.free && nodeId < best.nodeId)) best = { nodeId, free };
  }
  return best?.nodeId ?? null;
}

function couldTake(turn: Turn, job: JobRecord, nodeId: NodeId): boolean {
  const node = turn.world.nodes.get(nodeId);
  if (node === undefined || !turn.world.sessions.has(nodeId)) return false;
  return whyNever({ node, connected: true, free: turn.world.free(node) }, job.needs) === null;
}

function waitingOf(job: JobRecord): Waiting {
  return { jobId: job.id, priority: job.priority, since: job.versionAt };
}
