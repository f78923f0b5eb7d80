import { jsonBytes } from '../../schema/job/sizes.ts';
import { MAX_NODE_CPU, MAX_NODE_INFO_BYTES } from '../../schema/limits.ts';
import type { NodeInfo } from '../../schema/records.ts';

/**
 * What a node says of itself as it is kept: amounts that every client can read, since one node's numbers must not spoil
 * the list of all. Null when it is too large to be kept.
 */
export function nodeInfo(given: NodeInfo): NodeInfo | null {
  const { cpu, memory, disk, gpu } = given.capacity;
  const capacity = { cpu: Math.min(cpu, MAX_NODE_CPU), memory: whole(memory), disk: whole(disk), gpu };
  const info = { ...given, capacity };
  return infoBytes(info) > MAX_NODE_INFO_BYTES ? null : info;
}

function whole(amount: number): number {
  return Math.min(Math.floor(amount), Number.MAX_SAFE_INTEGER);
}

/** Why its connection is closed. */
export const NODE_INFO_TOO_LARGE = `labels and the rest of a node's description exceed ${MAX_NODE_INFO_BYTES} bytes`;

/** What never changes is measured once. */
const measured = new WeakMap<NodeInfo, number>();

/** How much a node says about itself, as JSON. */
export function infoBytes(info: NodeInfo): number {
  const known = measured.get(info);
  if (known !== undefined) return known;
  const bytes = jsonBytes(info);
  measured.set(info, bytes);
  return bytes;
}

/** True when nothing of it differs; labels in another order are the same. */
export function isSameInfo(a: NodeInfo, b: NodeInfo): boolean {
  return infoBytes(a) === infoBytes(b) && flat(a) === flat(b);
}

function flat({ labels, ...rest }: NodeInfo): string {
  const byName = Object.entries(labels).sort(([x], [y]) => (x < y ? -1 : 1));
  return JSON.stringify([byName, Object.entries(rest).sort(([x], [y]) => (x < y ? -1 : 1))]);
}
