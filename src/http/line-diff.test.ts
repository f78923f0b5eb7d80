import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffLines } from './line-diff.ts';

/** The lines of one side of a difference. */
function side(diff: string, own: '-' | '+'): string {
  const lines = diff.slice(0, -1).split('\n');
  return lines
    .filter((line) => line.startsWith(' ') || line.startsWith(own))
    .map((line) => line.slice(1))
    .join('\n');
}

const lines = (times: number, line: (i: number) => string) => Array.from({ length: times }, (_, i) => line(i));

describe('a difference of lines', () => {
  test('is none of equal texts', () => {
    expect(diffLines('a\nb', 'a\nb')).toBe('');
    expect(diffLines('', '')).toBe('');
  });

  test('keeps what both have and shows what went before what came', () => {
    expect(diffLines('a\nb\nc\nd', 'a\nx\nc\nd')).toBe(' a\n-b\n+x\n c\n d\n');
    expect(diffLines('a\nb', 'a\nb\nb')).toBe(' a\n b\n+b\n');
    expect(diffLines('a', '')).toBe('-a\n+\n');
  });

  test('holds both texts, and no more changes than lines that differ in place', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', '', ' a', '-b'), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(text, text, (old, now) => {
        const [before, after] = [old.join('\n'), now.join('\n')];
        fc.pre(before !== after);
        const diff = diffLines(before, after);
        expect([side(diff, '-'), side(diff, '+')]).toEqual([before, after]);
        const changed = diff.split('\n').filter((line) => /^[-+]/.test(line)).length;
        const inPlace =
          old.filter((line, i) => line !== now[i]).length + now.filter((line, i) => line !== old[i]).length;
        expect(changed).toBeLessThanOrEqual(inPlace);
      }),
    );
  });

  // The search would take the square of the lines, on the one thread that all requests share.
  test('of more changes than are looked for shows what changed as a whole', () => {
    const old = lines(1_000, (i) => (i % 2 === 0 ? 'same' : `old ${i}`));
    const now = lines(1_000, (i) => (i % 2 === 0 ? 'same' : `new ${i}`));
    const few = diffLines(old.slice(0, 400).join('\n'), now.slice(0, 400).join('\n'));
    expect(few.split('\n').filter((line) => line === ' same')).toHaveLength(200);
    const [before, after] = [
      [...old, ...old, 'end'],
      [...now, ...now, 'end'],
    ];
    const many = diffLines(before.join('\n'), after.join('\n'));
    expect(many.split('\n').filter((line) => line.startsWith(' '))).toEqual([' same', ' end']);
    expect([side(many, '-'), side(many, '+')]).toEqual([before.join('\n'), after.join('\n')]);
  });
});
