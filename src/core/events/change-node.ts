import { nodeNotFound, type ErrorShape } from '../../../schema/errors.ts';
import type { NodeId } from '../../../schema/ids.ts';
import { closeCodes } from '../../../schema/protocol/version.ts';
import type { NodeRecord } from '../../../schema/records.ts';
import type { Answer, ChangeNode, ChangeNodeAnswer, NodeAction } from '../commands.ts';
import { fenceExecution } from '../dispatch.ts';
import { isLive } from '../execution.ts';
import { judgeFailure } from '../failures.ts';
import type { Turn } from '../turn.ts';
import { takeDisconnect } from '../sessions.ts';
import { remember } from './submit.ts';

/** Does what an operator asks of a node, and what follows for its executions and for jobs that wait. */
export function changeNode(turn: Turn, command: ChangeNode): Answer<ChangeNodeAnswer> {
  const node = turn.world.nodes.get(command.nodeId);
  if (node === undefined || node.deletedAt > 0) return { ok: false, error: nodeNotFound(command.nodeId).shape };
  const error = actions[command.action](turn, node, command.message);
  if (error !== null) return { ok: false, error };
  turn.markNodesChanged();
  const value: ChangeNodeAnswer = { nodeId: node.id };
  remember(turn, command.commandId, node.id, value);
  return { ok: true, value };
}

type Action = (turn: Turn, node: NodeRecord, message: string) => ErrorShape | null;

const actions: Readonly<Record<NodeAction, Action>> = {
  approve: (turn, node) => {
    if (node.membership === 'APPROVED') return conflict(node, 'already approved');
    turn.putNode({ ...node, membership: 'APPROVED', lastError: '' });
    const session = turn.world.sessions.get(node.id);
    if (session !== undefined) turn.send(session, { type: 'welcome', mode: 'active' });
    return null;
  },

  // It is emptied and stays connected, as one that waits for approval does: when it is approved it works at once.
  reject: (turn, node, message) => {
    if (node.membership === 'REJECTED') return conflict(node, 'already rejected');
    const lastError = message === '' ? 'node rejected' : `node rejected: ${message}`;
    turn.putNode({ ...node, membership: 'REJECTED', lastError });
    const session = turn.world.sessions.get(node.id);
    if (session !== undefined) turn.send(session, { type: 'welcome', mode: 'stopOnly' });
    giveUpExecutions(turn, node.id, 'Execution stop requested because node has been rejected');
    return null;
  },

  delete: (turn, node) => {
    giveUpExecutions(turn, node.id, 'Execution stop requested because node has been deleted');
    const session = turn.world.sessions.get(node.id);
    if (session !== undefined) {
      takeDisconnect(turn, session.id, node.id, 'node deleted');
      turn.close(session.id, closeCodes.deleted, 'this node was deleted');
    }
    turn.putNode({ ...(turn.world.nodes.get(node.id) ?? node), deletedAt: turn.now, lastError: 'node deleted' });
    return null;
  },

  drain: (turn, node) => {
    if (node.draining) return conflict(node, 'already draining');
    turn.putNode({ ...node, draining: true });
    return null;
  },

  resume: (turn, node) => {
    if (!node.draining) return conflict(node, 'not draining');
    turn.putNode({ ...node, draining: false });
    return null;
  },
};

/** What runs there is wanted no more; its jobs go on elsewhere. */
function giveUpExecutions(turn: Turn, nodeId: NodeId, reason: string): void {
  for (const execution of turn.world.openOn(nodeId)) {
    if (isLive(execution))
      judgeFailure(turn, fenceExecution(turn, execution, { reason, failureClass: 'infrastructure' }));
  }
}

function conflict(node: NodeRecord, what: string): ErrorShape {
  return { status: 409, code: 'ConflictNodeState', component: 'NodesManager', message: `node ${node.id} ${what}` };
}
