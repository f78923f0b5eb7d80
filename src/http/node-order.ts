import type { NodeState } from '../../schema/api/node.ts';
import { badRequest } from '../../schema/errors.ts';

type Compare = (a: NodeState, b: NodeState) => number;

const byText =
  (text: (node: NodeState) => string): Compare =>
  (a, b) =>
    text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;

/** The most available comes first. */
const byRoom =
  (amount: 'CPU' | 'Memory' | 'Disk' | 'GPU'): Compare =>
  (a, b) =>
    (b.Info.ComputeNodeInfo.AvailableCapacity[amount] ?? 0) - (a.Info.ComputeNodeInfo.AvailableCapacity[amount] ?? 0);

const byMembership = byText((node) => node.Membership);

const orders: ReadonlyMap<string, Compare> = new Map([
  ['', byText((node) => node.Info.NodeID)],
  ['id', byText((node) => node.Info.NodeID)],
  ['type', byText((node) => node.Info.NodeType)],
  ['available_cpu', byRoom('CPU')],
  ['available_memory', byRoom('Memory')],
  ['available_disk', byRoom('Disk')],
  ['available_gpu', byRoom('GPU')],
  ['approval', byMembership],
  ['status', byMembership],
]);

/** What nodes may be ordered by. */
export const nodeOrders: readonly string[] = [...orders.keys()].filter((name) => name !== '');

/** @throws ShoalError 400 when there is no such order */
export function sortNodes(nodes: readonly NodeState[], orderBy: string, reverse: boolean): NodeState[] {
  const compare = orders.get(orderBy);
  if (compare === undefined) throw badRequest('invalid order_by');
  const sorted = [...nodes].sort(compare);
  return reverse ? sorted.toReversed() : sorted;
}
