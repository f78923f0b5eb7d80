import { describe, expect, test } from 'vitest';
import { runBatch } from './batch.ts';
import { tooRare } from './expected.ts';
import { regressions } from './regressions.ts';

const SEEDS = 500;
const LEAST_EVENTS = 300;

describe('five hundred installations', () => {
  test('keep every promise, and meet everything that can happen', { timeout: 300_000 }, async () => {
    const { violations, totals, leastSteps, seeds } = await runBatch({ base: 1, seeds: SEEDS });
    expect(violations).toEqual([]);
    expect(seeds).toBe(SEEDS);
    expect(tooRare(totals, seeds)).toEqual([]);
    expect(leastSteps).toBeGreaterThanOrEqual(LEAST_EVENTS);
    expect(totals.get('seed with faults') ?? 0).toBeGreaterThan(SEEDS / 2);
  });

  test('are the same every time: one seed is one trace, bit for bit', { timeout: 600_000 }, async () => {
    const [first, second] = [
      await runBatch({ base: 1, seeds: 50 }),
      await runBatch({ base: 1, seeds: 50, processes: 1 }),
    ];
    expect([...second.hashes].sort(([a], [b]) => a - b)).toEqual([...first.hashes].sort(([a], [b]) => a - b));
    expect(new Set(first.hashes.values()).size).toBe(50);
  });
});

describe('seeds that once broke a promise', () => {
  for (const { seed, found } of regressions) {
    test(`${seed}: ${found}`, { timeout: 600_000 }, async () => {
      expect((await runBatch({ base: seed, seeds: 1 })).violations).toEqual([]);
    });
  }
});
