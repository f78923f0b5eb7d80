import { performance } from 'node:perf_hooks';
import type { Cancel, Clock } from '../ports.ts';

/** `setTimeout` fires at once above this. */
const MAX_TIMER_MS = 2_147_483_647;

/** The machine's own clocks and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after,
};

function after(delayMs: number, run: () => void): Cancel {
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    const stepMs = Math.min(Math.max(leftMs, 0), MAX_TIMER_MS);
    timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : run()), stepMs);
  };
  arm(delayMs);
  return () => clearTimeout(timer);
}
