import type { NodeId } from '../../schema/ids.ts';
import {
  MAX_ALL_NODE_INFO_BYTES,
  MAX_NEW_NODES_PER_MINUTE,
  MAX_NODE_INFO_BYTES,
  MAX_NODES,
} from '../../schema/limits.ts';
import type { NodeInfo } from '../../schema/records.ts';
import { msOf } from './clock.ts';
import { infoBytes } from './node-info.ts';
import type { Turn } from './turn.ts';

const MINUTE_MS = 60_000;
/** With fewer nodes than this nothing can be exceeded. */
const ALWAYS_ROOM = Math.min(Math.floor(MAX_ALL_NODE_INFO_BYTES / MAX_NODE_INFO_BYTES), MAX_NEW_NODES_PER_MINUTE);

/**
 * Why there is no room for the node, or for what it says about itself now, or null. All nodes are held in memory and
 * stored: whoever may join must not fill either. Nodes that were deleted count no more.
 */
export function whyNoRoom(
  turn: Turn,
  { nodeId, info }: { readonly nodeId: NodeId; readonly info: NodeInfo },
): string | null {
  const known = turn.world.nodes.get(nodeId);
  const grows = infoBytes(info) - (known === undefined ? 0 : infoBytes(known.info));
  if (turn.world.nodes.size < ALWAYS_ROOM || (known !== undefined && grows <= 0)) return null;
  const { count, recent, bytes } = census(turn);
  if (known === undefined && count >= MAX_NODES)
    return `this installation has ${MAX_NODES} nodes, and no more may join`;
  if (known === undefined && recent >= MAX_NEW_NODES_PER_MINUTE) {
    return `more than ${MAX_NEW_NODES_PER_MINUTE} nodes joined within a minute`;
  }
  return bytes + grows > MAX_ALL_NODE_INFO_BYTES
    ? `all nodes together may say ${MAX_ALL_NODE_INFO_BYTES} bytes about themselves`
    : null;
}

function census(turn: Turn): { count: number; recent: number; bytes: number } {
  const sums = { count: 0, recent: 0, bytes: 0 };
  for (const node of turn.world.nodes.values()) {
    if (node.deletedAt > 0) continue;
    sums.count += 1;
    sums.bytes += infoBytes(node.info);
    if (msOf(node.createdAt) > turn.now - MINUTE_MS) sums.recent += 1;
  }
  return sums;
}
