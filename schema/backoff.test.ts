import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test.each([
  [{ firstMs: 50, mostMs: 5_000 }, [50, 100, 200, 400]],
  [{ firstMs: 100, mostMs: 250 }, [100, 200, 250, 250]],
  [{ firstMs: 100, mostMs: 10_000, factor: 4 }, [100, 400, 1_600, 6_400]],
])('pauses of %j grow to their longest', (pauses, want) => {
  expect(want.map((_, failed) => backoffMs(pauses, failed))).toEqual(want);
});

test('a pause stays the longest however often it failed', () => {
  expect(backoffMs({ firstMs: 1, mostMs: 60_000 }, 1e9)).toBe(60_000);
});
