import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

const [RATE, BURST, PIECE] = [1_000_000, 4_000_000, 100_000];

test('a reader who takes as much as is expected never has more than the burst waiting', () => {
  let now = 1_000;
  const pace = new Pace(now, RATE, BURST);
  let [sent, taken, most] = [0, 0, 0];
  const step = (ms: number): void => {
    taken = Math.min(sent, taken + (ms / 1000) * RATE);
    now += ms;
  };
  for (let i = 0; i < 1_000; i += 1) {
    sent += PIECE;
    most = Math.max(most, sent - taken);
    step(pace.sent(PIECE, now));
    // Now and then nothing is printed for a while.
    if (i % 100 === 0) step(700);
  }
  expect(most).toBeLessThanOrEqual(BURST + PIECE);
  expect(now).toBeGreaterThan(((1_000 * PIECE - BURST) / RATE) * 1000);
});

test('what is printed at less than that, and a log that is short, is not held back', () => {
  const pace = new Pace(0, RATE, BURST);
  expect(Array.from({ length: BURST / PIECE }, () => pace.sent(PIECE, 0)).every((ms) => ms === 0)).toBe(true);
  expect(pace.sent(PIECE, 0)).toBe(100);
  for (let now = 1_000; now < 60_000; now += 200) expect(pace.sent(PIECE, now)).toBe(0);
});
