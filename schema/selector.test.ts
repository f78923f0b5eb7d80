import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { ShoalError } from './errors.ts';
import { matchesSelector, parseSelector } from './selector.ts';

const labels = { env: 'dev', size: '7', 'example.com/zone': 'a', empty: '' };

const cases: { selector: string; matches: boolean }[] = [
  { selector: '', matches: true },
  { selector: 'env', matches: true },
  { selector: '!env', matches: false },
  { selector: '! other', matches: true },
  { selector: 'env=dev', matches: true },
  { selector: 'env == dev', matches: true },
  { selector: 'env!=dev', matches: false },
  { selector: 'bacalhau_canary != true', matches: true },
  { selector: 'env in (test, dev)', matches: true },
  { selector: 'env in (test)', matches: false },
  { selector: 'env notin (dev,test)', matches: false },
  { selector: 'other notin (dev)', matches: true },
  { selector: 'size>5,size<8', matches: true },
  { selector: 'size > 7', matches: false },
  { selector: 'env>1', matches: false },
  { selector: 'example.com/zone=a', matches: true },
  { selector: 'empty=', matches: true },
  { selector: 'empty=,env=dev', matches: true },
  { selector: 'in in (in)', matches: false },
  { selector: 'env=dev,size=8', matches: false },
];

describe('matches', () => {
  for (const { selector, matches } of cases) {
    test(`${JSON.stringify(selector)} ${matches ? 'does' : 'does not'}`, ({ expect }) => {
      expect(matchesSelector(parseSelector([selector]), labels)).toBe(matches);
    });
  }
});

test('several texts are one selector', ({ expect }) => {
  expect(parseSelector(['a=1', '', 'b'])).toHaveLength(2);
});

describe('refuses', () => {
  for (const selector of [
    ',',
    'a,',
    ',a',
    'a b',
    'a=b=c',
    'a in b',
    'a in (b',
    'a>x',
    '!',
    '=a',
    '-a=1',
    'a=$',
    '!!a',
    'a/b/c',
  ]) {
    test(JSON.stringify(selector), ({ expect }) => {
      expect(() => parseSelector([selector])).toThrow(/unable to parse requirement/);
    });
  }
});

test('any text is a selector or a ShoalError', () => {
  const pieces = fc.array(fc.constantFrom('a', 'b', ' ', ',', '=', '!=', '!', '(', ')', 'in', 'notin', '>', '1'));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        pieces.map((parts) => parts.join('')),
      ),
      (text) => {
        try {
          parseSelector([text]);
        } catch (error) {
          if (!(error instanceof ShoalError)) throw error;
        }
      },
    ),
  );
});

test('what is longer than any selector needs is refused', ({ expect }) => {
  expect(() => parseSelector([Array.from({ length: 21 }, (_, i) => `k${i}`).join(',')])).toThrow('more than 20');
  expect(() => parseSelector([`a=${'b'.repeat(4096)}`])).toThrow('longer than 4096');
});
