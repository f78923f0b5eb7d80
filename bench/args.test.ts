import { expect, test } from 'vitest';
import { helpText, readArgs } from './args.ts';

const defaults = { help: false, quick: false, json: undefined, only: [], against: undefined, rounds: undefined };

test.each([
  [[], {}],
  [['--'], {}],
  [['--', '--quick'], { quick: true }],
  [['-h'], { help: true }],
  [['--json', 'a.json', '--against', '../other'], { json: 'a.json', against: '../other' }],
  [['--only=docker, nodes,docker'], { only: ['docker', 'nodes'] }],
  [['--rounds', '12'], { rounds: 12 }],
])('%j', (argv, want) => {
  expect(readArgs(argv)).toEqual({ ...defaults, ...want });
});

test.each([
  [['--fast'], '--fast'],
  [['quick'], 'quick'],
  [['--json'], '--json'],
  [['--json='], '--json is empty: give a file'],
  [['--against='], '--against is empty: give a folder or a commit'],
  [['--only', 'a,,b'], '--only a,,b: give names'],
  [['--only='], '--only : give names'],
  [['--rounds', '0'], '--rounds 0: give a whole number from 1 to 1000'],
  [['--rounds', '2.5'], '--rounds 2.5: give a whole number'],
  [['--rounds', '1e9'], '--rounds 1e9'],
])('%j is refused by name', (argv, why) => {
  expect(() => readArgs(argv)).toThrow(why);
});

test('the help says how to read an interval and names each row', () => {
  const help = helpText(['nodes  a thousand']);
  expect(help).toContain('nodes  a thousand');
  expect(help).toMatch(/interval lies below 1\.00x/);
  expect(help).toContain("Student's t");
});
