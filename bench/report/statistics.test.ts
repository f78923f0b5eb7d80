import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { median, quantile, ratioOf, readingOf, studentT } from './statistics.ts';

describe('quantiles', () => {
  test.each([
    [[3], 0.99, 3],
    [[4, 1, 3, 2], 0.5, 2.5],
    [[5, 1, 3], 0, 1],
    [[5, 1, 3], 1, 5],
    [[0, 10], 0.95, 9.5],
  ])('of %j at %d is %d', (values, share, want) => {
    expect(quantile(values, share)).toBeCloseTo(want, 10);
  });

  test('of nothing there is none', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });

  test('half of the values lie on either side of the median, and the list stays as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const before = [...values];
        const middle = median(values);
        expect(values).toEqual(before);
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });
});

describe('ratios of pairs', () => {
  test("the interval is Student's t on the logarithms", () => {
    // Logarithms to the base 2 are 1, 2, 3: mean 2, deviation 1, standard error 1/sqrt 3, t of two degrees 4.303.
    const ratio = ratioOf([
      [2, 1],
      [4, 1],
      [8, 1],
    ]);
    expect(ratio?.mean).toBeCloseTo(4, 10);
    expect(ratio?.low).toBeCloseTo(2 ** (2 - 4.303 / Math.sqrt(3)), 10);
    expect(ratio?.high).toBeCloseTo(2 ** (2 + 4.303 / Math.sqrt(3)), 10);
    expect(ratio?.pairs).toBe(3);
  });

  test('turning all pairs over turns the ratio over', () => {
    const values = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(values, values), { minLength: 2, maxLength: 40 }), (pairs) => {
        const there = ratioOf(pairs);
        const back = ratioOf(pairs.map(([a, b]) => [b, a] as const));
        if (there === null || back === null) throw new Error('no ratio');
        expect(Math.log(there.mean)).toBeCloseTo(-Math.log(back.mean), 6);
        expect(Math.log(there.low)).toBeCloseTo(-Math.log(back.high), 6);
      }),
    );
  });

  test('one pair shows nothing, however far apart', () => {
    const ratio = ratioOf([[1, 1_000]]);
    expect(ratio).toMatchObject({ low: 0, high: Number.POSITIVE_INFINITY, pairs: 1 });
    expect(ratio === null ? '' : readingOf(ratio)).toBe('no difference shown');
  });

  test('pairs without a ratio are left out', () => {
    expect(
      ratioOf([
        [0, 1],
        [1, 0],
      ]),
    ).toBeNull();
    expect(
      ratioOf([
        [0, 1],
        [2, 1],
      ])?.pairs,
    ).toBe(1);
  });

  test.each([
    [0.8, 0.99, 'slower'],
    [0.8, 1, 'no difference shown'],
    [0.9, 1.1, 'no difference shown'],
    [1, 1.2, 'no difference shown'],
    [1.01, 1.2, 'faster'],
  ])('an interval from %d to %d reads %s', (low, high, want) => {
    expect(readingOf({ mean: Math.sqrt(low * high), low, high, pairs: 5 })).toBe(want);
  });

  test('t falls as pairs are added, and never below that of infinitely many', () => {
    const all = Array.from({ length: 200 }, (_, i) => studentT(i + 1));
    expect(all.every((t, i) => t <= (all[i - 1] ?? Infinity) && t > 1.96)).toBe(true);
    expect(studentT(0)).toBe(Number.POSITIVE_INFINITY);
  });
});
