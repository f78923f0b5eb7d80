import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { ShoalError } from './errors.ts';
import { checkJsonBounds, type JsonBounds } from './json-bounds.ts';
import { MAX_JSON_BYTES, MAX_JSON_DEPTH, MAX_JSON_VALUES } from './limits.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const loose: JsonBounds = { values: Infinity, depth: Infinity, bytes: Infinity };

/** The status and message of the refusal; null when there is none. */
function refusal(text: string, bounds?: JsonBounds): { status: number; message: string } | null {
  try {
    checkJsonBounds(utf8(text), bounds);
    return null;
  } catch (error) {
    if (error instanceof ShoalError) return { status: error.shape.status, message: error.shape.message };
    throw error;
  }
}

function count(value: unknown): { values: number; depth: number } {
  if (typeof value !== 'object' || value === null) return { values: 1, depth: 0 };
  const inner = Object.values(value).map(count);
  return {
    values: inner.reduce((sum, one) => sum + one.values, 1),
    depth: Math.max(0, ...inner.map((one) => one.depth)) + 1,
  };
}

const spaced = fc.constantFrom(undefined, 1, '\t', '\r\n ');

describe('any JSON', () => {
  test('has exactly its values and depth', ({ expect }) => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), spaced, (json, space) => {
        const value: unknown = JSON.parse(json);
        const text = JSON.stringify(value, null, space);
        const { values, depth } = count(value);
        expect(refusal(text, { ...loose, values, depth })).toBeNull();
        expect(refusal(`[${text},0]`, { ...loose, values: values + 1 })?.status).toBe(400);
        if (depth > 0) expect(refusal(text, { ...loose, depth: depth - 1 })?.status).toBe(400);
      }),
    );
  });
  test('ends where its first object or list ends', ({ expect }) => {
    fc.assert(
      fc.property(
        fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue())),
        fc.string(),
        (value, rest) => {
          const text = JSON.stringify(value);
          expect(checkJsonBounds(utf8(text + rest), loose).end).toBe(utf8(text).length);
        },
      ),
    );
  });
  test('has its bytes, but those of texts that begin with data:', ({ expect }) => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.array(fc.string({ unit: 'binary' })), (plain, inputs) => {
        const data = inputs.map((text) => `data:${text}`);
        const text = JSON.stringify([...plain, ...data]);
        // The quote before it counts: what follows is not known yet.
        const free = data.reduce((sum, one) => sum + utf8(JSON.stringify(one)).length - 1, 0);
        const bytes = utf8(text).length - free;
        expect(refusal(text, { ...loose, bytes })).toBeNull();
        expect(refusal(text, { ...loose, bytes: bytes - 1 })?.status).toBe(413);
      }),
    );
  });
});

test('what is no JSON is left to the parser, whatever it is', ({ expect }) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.stringMatching(/^[[\]{}",:\\ a1]{0,40}$/), (bytes, text) => {
      expect(checkJsonBounds(bytes, loose).end).toBeLessThanOrEqual(bytes.length);
      expect(checkJsonBounds(utf8(text), loose).end).toBeLessThanOrEqual(text.length);
    }),
  );
});

describe('a body is refused by its bound', () => {
  const values = `more than ${MAX_JSON_VALUES} JSON values`;
  const depth = `nested more than ${MAX_JSON_DEPTH} deep`;
  const bytes = `more than ${MAX_JSON_BYTES} of them outside of texts that begin with "data:"`;
  const many = (text: string, times: number) => `[${`${text},`.repeat(times)}0]`;
  test.for([
    ['nulls', many('null', 150_000), 400, values],
    ['empty objects', many('{}', 60_000), 400, values],
    ['objects in objects', many('{"a":{"b":1}}', 20_000), 400, values],
    ['keys', `{${Array.from({ length: 50_001 }, (_, i) => `"k${i}":1`).join(',')}}`, 400, values],
    ['one key, over and over', `{${'"a":1,'.repeat(60_000)}"a":1}`, 400, values],
    ['texts', many('""', 60_000), 400, values],
    ['without a comma', '[]'.repeat(10) + '"x"'.repeat(10), null, ''],
    ['lists in lists', '['.repeat(100_000), 400, depth],
    ['65 levels', '['.repeat(65) + ']'.repeat(65), 400, depth],
    ['64 levels', '['.repeat(64) + ']'.repeat(64), null, ''],
    ['a long text', `{"a":"${'x'.repeat(MAX_JSON_BYTES)}"}`, 413, bytes],
    ['a long key', `{"${'x'.repeat(MAX_JSON_BYTES)}":1}`, 413, bytes],
    ['blanks', `{${' '.repeat(MAX_JSON_BYTES)}}`, 413, bytes],
    ['a long number', `{"a":${'1'.repeat(MAX_JSON_BYTES)}}`, 413, bytes],
    ['a text of escapes', `{"a":"${'\\u0041'.repeat(200_000)}"}`, 413, bytes],
    ['letters of three bytes', `{"a":"${'\u20ac'.repeat(400_000)}"}`, 413, bytes],
    ['an escaped data:', `{"a":"\\u0064ata:${'x'.repeat(MAX_JSON_BYTES)}"}`, 413, bytes],
    ['an input', `{"a":"data:text/plain,${'x'.repeat(5_000_000)}"}`, null, ''],
    ['an input of escapes', `{"a":"data:${'\\"'.repeat(2_000_000)}"}`, null, ''],
    ['an input without an end', `{"a":"data:${'\\'.repeat(2_000_001)}`, null, ''],
  ] as const)('%s', ([, text, status, message], { expect }) => {
    const got = refusal(text);
    expect(got?.status ?? null).toBe(status);
    expect(got?.message ?? '').toContain(message);
    expect((got?.message ?? '').length).toBeLessThan(300);
  });
});
