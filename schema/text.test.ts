import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutText } from './text.ts';

const bytes = (text: string) => new TextEncoder().encode(text).length;

test('keeps to the limit, whole characters, a head of the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), fc.nat(60), (text, max) => {
      const cut = cutText(text, max);
      expect(bytes(cut)).toBeLessThanOrEqual(max);
      expect(cut.isWellFormed()).toBe(true);
      const clean = text.replaceAll('\0', '\u{fffd}').toWellFormed();
      expect(clean.startsWith(cut)).toBe(true);
      // The next character would not have fitted.
      const next = clean.slice(cut.length);
      if (next !== '') expect(bytes(cut) + bytes(String.fromCodePoint(next.codePointAt(0) ?? 0))).toBeGreaterThan(max);
    }),
  );
});

test('replaces NUL and lone surrogates', () => {
  expect(cutText('a\0b\ud800c', 100)).toBe('a\u{fffd}b\u{fffd}c');
});
