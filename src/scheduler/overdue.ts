import { DEFAULT_CELL, type EpochMs } from '../../schema/ids.ts';
import type { Store } from '../store/store.ts';

/** A wake-up that is this late has been lost; the alarm's own retries take less. */
const OVERDUE_MS = 60_000;

/**
 * Looks whether the Scheduler's next wake-up is overdue. An idle one is left asleep: only the fence row is read.
 * @returns the time that passed, or null when nothing is overdue
 */
export async function overdueWake(store: Pick<Store, 'readFence'>, now: EpochMs): Promise<EpochMs | null> {
  const fence = await store.readFence(DEFAULT_CELL);
  if (fence === null || fence.nextWake === 0 || fence.nextWake > now - OVERDUE_MS) return null;
  return fence.nextWake;
}

/**
 * True when who goes by the fence row would find a Scheduler overdue that owes nothing yet, or would not find one that
 * does. Both times are of the next wake-up, 0 for none.
 */
export function misleads(written: EpochMs, next: EpochMs): boolean {
  if (written === 0 || next === 0) return written !== next;
  return Math.abs(next - written) >= OVERDUE_MS;
}
