import type { NodeRecord } from '../../schema/records.ts';
import type { Turn } from './turn.ts';

/** How often nodes are looked through, in turns that take place anyway: an idle installation is not woken for it. */
const EVERY_MS = 3_600_000;

/**
 * Forgets nodes that left, or were deleted, long ago and hold nothing. A rejected one is remembered: under its identity it
 * must not come back as a newcomer.
 */
export function forgetLongGone(turn: Turn): void {
  const { world, env, now } = turn;
  if (env.settings.nodeRetentionMs === 0 || now < world.forgotAt + EVERY_MS) return;
  world.forgotAt = now;
  const before = now - env.settings.nodeRetentionMs;
  const isLongGone = ({ id, membership, deletedAt, disconnectedAt }: NodeRecord) =>
    !world.sessions.has(id) &&
    world.openCount(id) === 0 &&
    (deletedAt > 0 ? deletedAt < before : disconnectedAt > 0 && disconnectedAt < before && membership !== 'REJECTED');
  for (const node of [...world.nodes.values()].filter(isLongGone)) turn.forgetNode(node.id);
}
