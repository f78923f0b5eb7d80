import { expect, test } from 'vitest';
import { misleads } from './overdue.ts';

const NOW = 1_800_000_000_000;

test.each([
  ['nothing is due, and it says so', 0, 0, false],
  ['nothing is due any more', NOW, 0, true],
  ['something is due, and it says nothing is', 0, NOW, true],
  ['it says exactly what is due', NOW, NOW, false],
  ['what is due has moved on a little, as a lease does', NOW, NOW + 30_000, false],
  ['it would be found overdue before anything is due', NOW, NOW + 60_000, true],
  ['a day passes until anything is due', NOW, NOW + 86_400_000, true],
  ['something is due long before it says so', NOW + 86_400_000, NOW, true],
])('the fence row misleads when %s', (_, written, next, expected) => {
  expect(misleads(written, next)).toBe(expected);
});
