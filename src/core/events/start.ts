import type { EpochMs, NodeId } from '../../../schema/ids.ts';
import { ACK_AFTER_START_MS, FENCED_EXPIRY_MS, OVERDUE_GRACE_MS, STOP_RESEND_MS } from '../../../schema/limits.ts';
import { closeCodes } from '../../../schema/protocol/version.ts';
import type { ExecutionRecord, JobRecord } from '../../../schema/records.ts';
import { isTerminalJobState, runsOnEveryNode } from '../../../schema/states.ts';
import { msOf } from '../clock.ts';
import { armBackstop, armLease, sendRun, sendStop } from '../dispatch.ts';
import { isLive, isOpen } from '../execution.ts';
import { kinds } from '../kinds/kinds.ts';
import { waitInLine } from '../kinds/partitions.ts';
import { safely } from '../safely.ts';
import type { Turn } from '../turn.ts';
import { errorOf, lossTime } from '../sessions.ts';
import { openSession } from './hello.ts';

/** A socket that outlived the object, as its attachment describes it. */
export interface SurvivingSession {
  readonly session: string;
  readonly nodeId: NodeId;
  readonly agentInstance: string;
  readonly connectedAt: EpochMs;
}

/**
 * The first event of a loaded world, after a hibernation, an eviction or worse. What ran out while nobody could run is
 * given more time; what ran out just now, and woke a hibernated object, is not: else an object that sleeps between its
 * deadlines would never meet one. Sockets that survived are taken back, what was sent without an answer is sent again,
 * and every job is looked at: whatever was lost between a commit and a send is repaired here.
 * @param alarmWasMissed  the alarm was due long ago, or when it was due is not known
 */
export function takeStart(turn: Turn, surviving: readonly SurvivingSession[], alarmWasMissed: boolean): void {
  const wasAway = alarmWasMissed || (surviving.length === 0 && anyConnected(turn));
  turn.world.startedAt = wasAway ? turn.now : 0;
  takeBackSessions(turn, surviving);
  markAbsentNodes(turn, wasAway);
  for (const execution of turn.world.executions.values()) {
    if (isOpen(execution)) safely(turn, `resuming ${execution.id}`, () => resume(turn, execution, wasAway));
  }
  for (const job of turn.world.jobs.values()) safely(turn, `resuming ${job.id}`, () => armJob(turn, job, wasAway));
  turn.markNodesChanged();
}

/** By their rows. When no socket at all has survived, whatever carried them was away. */
function anyConnected(turn: Turn): boolean {
  for (const node of turn.world.nodes.values()) if (node.connection === 'CONNECTED') return true;
  return false;
}

function takeBackSessions(turn: Turn, surviving: readonly SurvivingSession[]): void {
  const oldestFirst = [...surviving].sort((a, b) => a.connectedAt - b.connectedAt || (a.session < b.session ? -1 : 1));
  for (const { session, nodeId, agentInstance, connectedAt } of oldestFirst) {
    const node = turn.world.nodes.get(nodeId);
    if (node === undefined) {
      turn.close(session, closeCodes.protocolError, 'the node is not known');
      continue;
    }
    if (node.deletedAt > 0) {
      turn.close(session, closeCodes.deleted, 'this node was deleted');
      continue;
    }
    const earlier = turn.world.sessions.get(nodeId);
    if (earlier !== undefined) turn.close(earlier.id, closeCodes.replaced, 'a newer session of this node took over');
    const opened = openSession(turn, node, { sessionId: session, agentInstance, connectedAt });
    // The one that told it what it may do now may have been lost with the former object.
    turn.send(opened, { type: 'welcome', mode: node.membership === 'APPROVED' ? 'active' : 'stopOnly' });
    if (node.connection !== 'CONNECTED') {
      turn.putNode({ ...node, connection: 'CONNECTED', connectedAt, disconnectedAt: 0, lastError: errorOf(node, '') });
    }
  }
}

function markAbsentNodes(turn: Turn, wasAway: boolean): void {
  for (const node of turn.world.nodes.values()) {
    if (turn.world.sessions.has(node.id)) continue;
    const isBusy = turn.world.openCount(node.id) > 0;
    // While nobody listened it could not come back: its time begins now, and is written down to outlast another start.
    if (node.connection === 'CONNECTED' || (wasAway && isBusy)) {
      const lastError = errorOf(node, 'connection lost');
      turn.putNode({ ...node, connection: 'DISCONNECTED', disconnectedAt: turn.now, lastError });
    }
    if (isBusy) turn.world.timers.set('lost', node.id, lossTime(turn, node.id));
  }
}

function resume(turn: Turn, execution: ExecutionRecord, wasAway: boolean): void {
  const job = turn.world.job(execution.jobId);
  if (job === null) return;
  const session = turn.world.sessions.get(execution.nodeId);
  if (session !== undefined) armLease(turn, execution);
  if (!isLive(execution)) {
    turn.world.timers.set('fenced', execution.id, msOf(execution.modifiedAt) + FENCED_EXPIRY_MS);
    sendStop(turn, execution, STOP_RESEND_MS);
    return;
  }
  armBackstop(turn, execution, job);
  if (execution.computeState !== 'New') return;
  if (session !== undefined) sendRun(turn, session, execution, job);
  else
    turn.world.timers.set('ack', execution.id, (wasAway ? turn.now : msOf(execution.createdAt)) + ACK_AFTER_START_MS);
}

/** Deadlines that passed while nobody could run wait a little more: the fault was not the job's. */
function armJob(turn: Turn, job: JobRecord, wasAway: boolean): void {
  if (isTerminalJobState(job.state)) return;
  const notBefore = turn.now + OVERDUE_GRACE_MS;
  const shifted = (at: EpochMs) => (wasAway && at <= turn.now ? notBefore : at);
  const { totalTimeoutMs } = job.needs;
  if (totalTimeoutMs > 0) turn.world.timers.set('total', job.id, shifted(job.versionAt + totalTimeoutMs));
  const queueMs = kinds[job.type].queueTimeoutMs(turn, job);
  if (job.waitingSince !== null && queueMs !== null) {
    turn.world.timers.set('queue', job.id, shifted(job.waitingSince + queueMs));
  }
  // Who stood in line takes its place again; looking at each of a hundred thousand would only say the same.
  const book = turn.world.book(job);
  if (job.state === 'Queued' && !runsOnEveryNode(job.type) && book.live === 0 && book.unplacedCount === book.count) {
    waitInLine(turn, job);
  } else turn.markDirty(job.id);
}
