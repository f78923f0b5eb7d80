import { shortId, type NodeId } from '../../../schema/ids.ts';
import { AWAY_NODE_MS } from '../../../schema/limits.ts';
import type { NodeRecord } from '../../../schema/records.ts';
import type { Turn } from '../turn.ts';

/** Why one node cannot take an execution. */
export interface NodeReason {
  readonly nodeId: NodeId;
  readonly reason: string;
}

/** The nodes that count in reasons: those that are here or lately were. */
export function nodesAround({ world, now }: Turn): NodeRecord[] {
  const isAround = ({ id, deletedAt, disconnectedAt }: NodeRecord) =>
    deletedAt === 0 && (world.sessions.has(id) || disconnectedAt > now - AWAY_NODE_MS);
  return [...world.nodes.values()].filter(isAround);
}

/** At most this many groups are named; the rest is counted. */
const MAX_GROUPS = 10;

/**
 * Says why a job waits, one line per group of nodes with the same reason, the largest group first.
 * @param requested  executions that want a node
 * @param knownNodes  nodes that are remembered, also those that have long been away
 * @see Bacalhau pkg/orchestrator: ErrNotEnoughNodes, whose form this keeps; here every node that is here or lately was is
 *   counted, not only the connected and approved ones
 */
export function notEnoughNodes(requested: number, reasons: readonly NodeReason[], knownNodes: number): string {
  const head = `not enough nodes to run job. requested: ${requested}, available: ${reasons.length}, suitable: 0.`;
  return describe(head, reasons, knownNodes);
}

/**
 * The same for ops and daemon jobs, which ask for no number of nodes.
 * @see Bacalhau pkg/orchestrator: ErrNoMatchingNodes
 */
export function noMatchingNodes(reasons: readonly NodeReason[], knownNodes: number): string {
  return describe(`not matching nodes to run job out of ${reasons.length} available nodes.`, reasons, knownNodes);
}

/** Why an ops job has failed. @see Bacalhau pkg/orchestrator/scheduler: the first sentence is its own */
export function executionsFailed(failures: readonly NodeReason[]): string {
  return group('Job failed because one or more executions failed', failures);
}

/** Why a job that is kept up runs nowhere although nodes match. */
export function lastFailures(failures: readonly NodeReason[]): string {
  return group('no execution runs. last failures:', failures);
}

function describe(head: string, reasons: readonly NodeReason[], knownNodes: number): string {
  if (reasons.length === 0) return `${head}\n• ${knownNodes === 0 ? 'no node has joined yet' : 'no node is connected'}`;
  return group(head, reasons);
}

function group(head: string, reasons: readonly NodeReason[]): string {
  return [head, ...linesOf(reasons, MAX_GROUPS + 1).map((line) => `• ${line}`)].join('\n');
}

/** One line per group of nodes with the same reason, the largest group first. @param most  lines in all */
export function linesOf(reasons: readonly NodeReason[], most: number): string[] {
  const groups = new Map<string, NodeId[]>();
  for (const { nodeId, reason } of reasons) {
    const group = groups.get(reason);
    if (group === undefined) groups.set(reason, [nodeId]);
    else group.push(nodeId);
  }
  const sorted = [...groups].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
  const named = sorted.length > most ? most - 1 : most;
  const lines = sorted.slice(0, named).map(([reason, nodes]) => `${subject(nodes, reasons.length)}: ${reason}`);
  const rest = sorted.length - lines.length;
  return rest > 0 ? [...lines, `and ${rest} more reasons`] : lines;
}

function subject(nodes: readonly NodeId[], all: number): string {
  const [first] = nodes;
  return nodes.length === 1 && first !== undefined ? `Node ${shortId(first)}` : `${nodes.length} of ${all} nodes`;
}
