import { shortId, type NodeId } from '../../../schema/ids.ts';

/** Why one node cannot take an execution. */
export interface NodeReason {
  readonly nodeId: NodeId;
  readonly reason: string;
}

/** At most this many groups are named; the rest is counted. */
const MAX_GROUPS = 10;

/**
 * Says why a job waits, one line per group of nodes with the same reason, the largest group first.
 * @param requested  executions that want a node
 * @see Bacalhau pkg/orchestrator: ErrNotEnoughNodes, whose form this keeps; here every node is counted, not only the
 *   connected and approved ones
 */
export function notEnoughNodes(requested: number, reasons: readonly NodeReason[]): string {
  const head = `not enough nodes to run job. requested: ${requested}, available: ${reasons.length}, suitable: 0.`;
  return describe(head, reasons);
}

/**
 * The same for ops and daemon jobs, which ask for no number of nodes.
 * @see Bacalhau pkg/orchestrator: ErrNoMatchingNodes
 */
export function noMatchingNodes(reasons: readonly NodeReason[]): string {
  return describe(`not matching nodes to run job out of ${reasons.length} available nodes.`, reasons);
}

function describe(head: string, reasons: readonly NodeReason[]): string {
  if (reasons.length === 0) return `${head}\n• no node has joined yet`;
  const groups = new Map<string, NodeId[]>();
  for (const { nodeId, reason } of reasons) {
    const group = groups.get(reason);
    if (group === undefined) groups.set(reason, [nodeId]);
    else group.push(nodeId);
  }
  const sorted = [...groups].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
  const lines = sorted.slice(0, MAX_GROUPS).map(([reason, nodes]) => `• ${subject(nodes, reasons.length)}: ${reason}`);
  const rest = sorted.length - lines.length;
  return [head, ...lines, ...(rest > 0 ? [`• and ${rest} more reasons`] : [])].join('\n');
}

function subject(nodes: readonly NodeId[], all: number): string {
  const [first] = nodes;
  return nodes.length === 1 && first !== undefined ? `Node ${shortId(first)}` : `${nodes.length} of ${all} nodes`;
}
