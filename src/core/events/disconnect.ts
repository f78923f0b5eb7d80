import type { EpochMs, NodeId } from '../../../schema/ids.ts';
import { GRACE_MS, LEASE_MS } from '../../../schema/limits.ts';
import { closeCodes } from '../../../schema/protocol/version.ts';
import { fenceExecution } from '../dispatch.ts';
import { isLive } from '../execution.ts';
import { judgeFailure } from '../failures.ts';
import type { Turn } from '../turn.ts';
import type { Session } from '../world.ts';

/**
 * A session is over. What runs on the node goes on there and is not touched: the node has lease and grace to return.
 * A session that had already been replaced changes nothing.
 */
export function takeDisconnect(turn: Turn, sessionId: string, nodeId: NodeId, why: string): void {
  if (turn.world.sessions.get(nodeId)?.id !== sessionId) return;
  turn.world.sessions.delete(nodeId);
  turn.world.timers.clear('lease', nodeId);
  const node = turn.world.nodes.get(nodeId);
  if (node === undefined) return;
  turn.putNode({ ...node, connection: 'DISCONNECTED', disconnectedAt: turn.now, lastError: why });
  if (turn.world.openCount(nodeId) > 0) turn.world.timers.set('lost', nodeId, turn.now + LEASE_MS + GRACE_MS);
  turn.markNodesChanged();
}

/** When the node's silence ends its lease. */
export function leaseEnd(turn: Turn, nodeId: NodeId): EpochMs {
  return Math.max(turn.env.lastHeard(nodeId), turn.world.startedAt) + LEASE_MS;
}

/**
 * Ends the session of a node that was silent for longer than its lease. Its socket is closed too: should the node be
 * alive after all, it dials again and is heard, which heartbeats alone would not bring about.
 */
export function dropSilent(turn: Turn, session: Session): void {
  turn.close(session.id, closeCodes.silent, 'no heartbeat within the lease');
  takeDisconnect(turn, session.id, session.nodeId, 'heartbeat timeout');
  if (turn.world.openCount(session.nodeId) > 0) turn.world.timers.set('lost', session.nodeId, turn.now + GRACE_MS);
}

/** The node has been away for lease and grace: its executions are given up and placed elsewhere in the same turn. */
export function loseNode(turn: Turn, nodeId: NodeId): void {
  if (turn.world.sessions.has(nodeId)) return;
  for (const execution of turn.world.openOn(nodeId)) {
    if (!isLive(execution)) continue;
    const reason = 'Execution stop requested because node has disappeared';
    judgeFailure(turn, fenceExecution(turn, execution, reason, 'infrastructure'));
  }
}
