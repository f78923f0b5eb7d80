import type { NodeId } from '../../../schema/ids.ts';
import { GRACE_MS } from '../../../schema/limits.ts';
import type { NodeRecord } from '../../../schema/records.ts';
import { fenceExecution } from '../dispatch.ts';
import { isLive } from '../execution.ts';
import { judgeFailure } from '../failures.ts';
import { lossTime } from '../sessions.ts';
import type { Turn } from '../turn.ts';

/**
 * The node has been away for lease and grace: its executions are given up and placed elsewhere in the same turn. When more
 * than half of the nodes would be lost at once the fault is more likely ours, and all of them get one more grace.
 */
export function loseNode(turn: Turn, nodeId: NodeId): void {
  if (turn.world.sessions.has(nodeId)) return;
  const dueAt = lossTime(turn, nodeId);
  const postponedTo = isMassLoss(turn) ? dueAt + GRACE_MS : dueAt;
  if (postponedTo > turn.now) {
    if (dueAt <= turn.now) turn.notes.push(`over half of the nodes are away: ${nodeId} gets one more grace`);
    turn.world.timers.set('lost', nodeId, postponedTo);
    return;
  }
  for (const execution of turn.world.openOn(nodeId)) {
    if (!isLive(execution)) continue;
    const reason = 'Execution stop requested because node has disappeared';
    judgeFailure(turn, fenceExecution(turn, execution, { reason, failureClass: 'infrastructure' }));
  }
}

/** At least three nodes, and over half of all, are away with work for about as long. */
function isMassLoss(turn: Turn): boolean {
  const nodes = [...turn.world.nodes.values()].filter((n) => n.deletedAt === 0 && n.membership === 'APPROVED');
  const isAway = (n: NodeRecord) => !turn.world.sessions.has(n.id) && turn.world.openCount(n.id) > 0;
  const lost = nodes.filter((n) => isAway(n) && lossTime(turn, n.id) <= turn.now + MASS_WINDOW_MS);
  return lost.length >= MASS_LOSS_NODES && lost.length * 2 > nodes.length;
}

const MASS_LOSS_NODES = 3;
const MASS_WINDOW_MS = 5_000;
