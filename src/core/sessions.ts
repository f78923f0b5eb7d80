import type { EpochMs, NodeId } from '../../schema/ids.ts';
import { GRACE_MS, LEASE_MS } from '../../schema/limits.ts';
import { closeCodes } from '../../schema/protocol/version.ts';
import type { NodeRecord } from '../../schema/records.ts';
import type { Turn } from './turn.ts';
import type { Session } from './world.ts';

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
  turn.putNode({ ...node, connection: 'DISCONNECTED', disconnectedAt: turn.now, lastError: errorOf(node, why) });
  if (turn.world.openCount(nodeId) > 0) turn.world.timers.set('lost', nodeId, lossTime(turn, nodeId));
  turn.markNodesChanged();
}

/** What the node's row says went wrong: of a rejected one its operator's reason, whatever became of its connection. */
export function errorOf({ membership, lastError }: NodeRecord, otherwise: string): string {
  return membership === 'REJECTED' ? lastError : otherwise;
}

/** When a node that is away is given up, unless it returns: a function of its row, so that sleeping does not defer it. */
export function lossTime(turn: Turn, nodeId: NodeId): EpochMs {
  const node = turn.world.nodes.get(nodeId);
  const since = node?.disconnectedAt ?? turn.now;
  // After a heartbeat that did not come the lease is over already.
  return since + (node?.lastError === SILENT ? 0 : LEASE_MS) + GRACE_MS;
}

const SILENT = 'heartbeat timeout';

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
  takeDisconnect(turn, session.id, session.nodeId, SILENT);
}
