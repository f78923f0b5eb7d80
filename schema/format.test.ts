import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesText, cpuText, durationText, resourcesText } from './format.ts';

describe('a duration is written as Go writes it', () => {
  test.each([
    [0, '0s'],
    [0.4, '0s'],
    [-0.4, '0s'],
    [250, '250ms'],
    [1_000, '1s'],
    [-5_000, '-5s'],
    [59_999.6, '1m0s'],
    [60_000, '1m0s'],
    [90_500, '1m30.5s'],
    [3_600_000, '1h0m0s'],
    [3_600_001, '1h0m0.001s'],
    [86_400_000, '24h0m0s'],
  ])('%d ms is %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  test('whatever it is, its parts come to it', () => {
    const factor: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000 }), (ms) => {
        const parts = [...durationText(ms).matchAll(/([\d.]+)(ms|[hms])/g)];
        const sum = parts.reduce((all, [, amount, unit = '']) => all + Number(amount) * (factor[unit] ?? 0), 0);
        expect(Math.round(sum)).toBe(ms);
      }),
    );
  });
});

describe('bytes have three digits', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1 kB'],
    [999_499, '999 kB'],
    [999_999, '1 MB'],
    [512_000_000, '512 MB'],
    [1_234_567_890, '1.23 GB'],
    [56_780_000_000, '56.8 GB'],
    [2 ** 53, '9.01 PB'],
  ])('%d is %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });
});

test.each([
  [0, '0.00'],
  [0.5, '0.50'],
  [2, '2.00'],
  [0.001, '0.001'],
  [0.1 + 0.2, '0.30'],
])('%d cores are %s', (cores, text) => {
  expect(cpuText(cores)).toBe(text);
});

test('all resources are one text', () => {
  expect(resourcesText({ cpu: 0.5, memory: 512_000_000, disk: 1.5e9, gpu: 1 })).toBe(
    '{CPU: 0.50, Memory: 512 MB, Disk: 1.5 GB, GPU: 1}',
  );
});
