import { expect, test } from 'vitest';
import { bounded, Tally } from './tally.ts';

function makeLog() {
  const lines: [string, Readonly<Record<string, unknown>>][] = [];
  const clock = { now: 1_000_000 };
  const ports = {
    log: (event: string, fields: Readonly<Record<string, unknown>>) => void lines.push([event, fields]),
    now: () => clock.now,
  };
  return { lines, clock, ports };
}

test('a tally is a line at once and one a minute after that, with all that was counted', () => {
  const { lines, clock, ports } = makeLog();
  const tally = new Tally<'frames' | 'ignored'>('traffic', ports);
  for (let i = 0; i < 10_000; i++) tally.add({ frames: 1 });
  expect(lines).toEqual([['traffic', { frames: 1 }]]);
  clock.now += 60_000;
  tally.add({ ignored: 2 });
  expect(lines.at(-1)).toEqual(['traffic', { frames: 9_999, ignored: 2 }]);
  expect(lines).toHaveLength(2);
});

test('a bounded log says twenty lines of an event a minute, and how many it left out', () => {
  const { lines, clock, ports } = makeLog();
  const log = bounded(ports.log, ports.now);
  for (let i = 0; i < 1_000; i++) log('refused', { i });
  log('other', {});
  expect(lines.map(([event]) => event)).toEqual([...Array.from({ length: 20 }, () => 'refused'), 'other']);
  clock.now += 60_000;
  log('refused', { i: -1 });
  log('refused', { i: -2 });
  expect(lines.slice(-2)).toEqual([
    ['refused', { i: -1, unsaid: 980 }],
    ['refused', { i: -2 }],
  ]);
});
