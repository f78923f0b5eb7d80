import { describe, expect, test } from 'vitest';
import { isFavoured, meets } from './constraints.ts';

const labels = { os: 'linux', gpus: '4', zone: 'a' };

const cases: [operator: string, key: string, values: string[] | undefined, want: boolean][] = [
  ['=', 'os', ['linux'], true],
  ['=', 'os', ['darwin'], false],
  ['=', 'absent', [''], false],
  ['==', 'os', ['linux'], true],
  ['!=', 'os', ['linux'], false],
  ['!=', 'os', ['darwin'], true],
  ['!=', 'absent', ['x'], true],
  ['in', 'zone', ['a', 'b'], true],
  ['in', 'zone', ['b'], false],
  ['in', 'absent', ['b'], false],
  ['notin', 'zone', ['b'], true],
  ['notin', 'zone', ['a'], false],
  ['notin', 'absent', ['a'], true],
  ['exists', 'os', undefined, true],
  ['exists', 'absent', undefined, false],
  ['!', 'os', undefined, false],
  ['!', 'absent', undefined, true],
  ['gt', 'gpus', ['3'], true],
  ['gt', 'gpus', ['4'], false],
  ['gt', 'os', ['3'], false],
  ['lt', 'gpus', ['5'], true],
  ['lt', 'gpus', ['4'], false],
  ['lt', 'absent', ['4'], false],
  ['toString', 'os', ['linux'], false],
];

describe('constraints', () => {
  for (const [Operator, Key, Values, want] of cases) {
    test(`${Key} ${Operator} ${Values?.join(',') ?? ''} is ${want}`, () => {
      const constraint = { Key, Operator, ...(Values !== undefined && { Values }) };
      expect(meets(labels, [constraint])).toBe(want);
      expect(isFavoured(labels, [{ ...constraint, Key: `favour_${Key}` }])).toBe(want);
    });
  }

  test('all must hold; a preference excludes nothing', () => {
    const [os, zone] = [
      { Key: 'os', Operator: '=', Values: ['linux'] },
      { Key: 'zone', Operator: '=', Values: ['b'] },
    ];
    expect(meets(labels, [os, zone])).toBe(false);
    expect(meets(labels, [os, { ...zone, Key: 'favour_zone' }])).toBe(true);
    expect(isFavoured(labels, [os])).toBe(false);
  });
});
