import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { findJoint, Overlap, Tail, type Found } from './overlap.ts';

/** What is found of a stream of which `known` was written down, read again from a line on, in pieces. */
function find(known: string, again: string, pieceBytes = 1_000): Found {
  const tail = new Tail();
  for (let at = 0; at < known.length; at += pieceBytes) tail.push(Buffer.from(known.slice(at, at + pieceBytes)));
  const overlap = new Overlap(tail.bytes);
  for (let at = 0; at < again.length; at += pieceBytes) overlap.push(Buffer.from(again.slice(at, at + pieceBytes)));
  return overlap.result();
}

const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`).join('');

test('numbered lines are gone on with where they were left, however the reading is cut', () => {
  const cases = { known: fc.integer({ min: 1, max: 2_000 }), back: fc.nat(2_000), more: fc.nat(300) };
  fc.assert(
    fc.property(fc.record(cases), fc.integer({ min: 1, max: 5_000 }), ({ known, back, more }, pieceBytes) => {
      const from = Math.max(0, known - back);
      const found = find(numbered(0, known), numbered(from, known + more), pieceBytes);
      expect(found.known).toBe(numbered(from, known).length);
      if (numbered(from, known).length >= 64) expect(found).toMatchObject({ isFound: true, isDoubtful: false });
    }),
  );
});

test('of lines that are all the same the first that may be meant are taken, and it is said', () => {
  const same = 'again\n'.repeat(2_000);
  expect(find(same, same)).toEqual({ known: 4098, isFound: true, isDoubtful: true });
});

test('what has nothing in common is new', () => {
  expect(find('old\n'.repeat(2_000), 'new\n'.repeat(10))).toEqual({ known: 0, isFound: false, isDoubtful: false });
  expect(find('', 'new\n')).toEqual({ known: 0, isFound: false, isDoubtful: false });
  expect(find('old\n', '')).toEqual({ known: 0, isFound: false, isDoubtful: false });
});

test('what is short may have been printed again: it is taken for known, and it is said', () => {
  expect(find('warning\n', 'warning\nend\n')).toEqual({ known: 8, isFound: true, isDoubtful: true });
  const warning = `warning ${'!'.repeat(100)}\n`;
  expect(find(`begin\n${warning}`, `${warning}end\n`)).toMatchObject({ known: warning.length, isDoubtful: true });
  const twice = warning.repeat(2);
  expect(find(twice.repeat(3), `${twice}end\n`)).toMatchObject({ known: twice.length, isDoubtful: true });
});

test('the beginning of one reading is found in another that ends later or earlier', () => {
  const kept = numbered(0, 500);
  fc.assert(
    fc.property(fc.nat(kept.length - 12), fc.integer({ min: 30, max: 5_000 }), (at, length) => {
      const first = numbered(0, 1_000).slice(at, at + length);
      expect(findJoint(Buffer.from(kept), Buffer.from(first), 16_384)).toEqual({ at, isDoubtful: false });
    }),
  );
});

test('a first line that is not kept yet is not found', () => {
  expect(findJoint(Buffer.from(numbered(0, 10)), Buffer.from('line 10\n'), 16_384)).toBeNull();
  expect(findJoint(Buffer.from('line'), Buffer.from('line 1\n'), 16_384)).toBeNull();
  expect(findJoint(Buffer.from('x'.repeat(20)), Buffer.from('x'.repeat(30)), 20)).toEqual({ at: 0, isDoubtful: false });
});
