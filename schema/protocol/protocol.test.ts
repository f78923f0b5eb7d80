import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MAX_FRAME_CHARS } from '../limits.ts';
import { decodeFrame, type FrameSchema } from './frames.ts';
import { fromAgent } from './from-agent.ts';
import { LogPull } from './log-link.ts';
import { toAgent } from './to-agent.ts';
import { closeReason, MIN_PROTOCOL_VERSION, PROTOCOL_VERSION } from './version.ts';

/** One line a version: what both ends' frames hash to. A changed hash asks for a new version and a line here. */
const hashes: Readonly<Record<number, string>> = {
  1: '5d114a23aab7830f',
  2: 'e06d82640288e517',
  3: 'c6e092b9e8464cf3',
};

test('the version goes up when a frame changes', () => {
  // What a field says of itself is no part of a frame.
  const frames = [fromAgent.schema, toAgent.schema, LogPull].map((schema) =>
    z.toJSONSchema(schema, { override: ({ jsonSchema }) => void delete jsonSchema.description }),
  );
  const hash = createHash('sha256').update(JSON.stringify(frames)).digest('hex').slice(0, 16);
  expect(hash).toBe(hashes[PROTOCOL_VERSION]);
  expect(PROTOCOL_VERSION - MIN_PROTOCOL_VERSION).toBeLessThanOrEqual(1);
});

test('what one end sends is read at the version before, and the other way round', () => {
  const capacity = { cpu: 1, memory: 1, disk: 1, gpu: 0 };
  const lists = { labels: {}, engines: [], publishers: [], sources: [] };
  const who = { nodeId: 'n-a', agentInstance: 'i', agentVersion: '0', os: 'linux', arch: 'amd64' };
  const hello = { type: 'hello', protocol: 2, ...who, ...lists, capacity, holds: [], more: false };
  expect(decodeFrame(fromAgent, JSON.stringify(hello))).toEqual({ ok: true, frame: hello });
  const named = { ...hello, protocol: 3, hostname: 'box' };
  expect(decodeFrame(fromAgent, JSON.stringify(named))).toEqual({ ok: true, frame: named });
});

describe('a type of frame', () => {
  const typesIn = (schema: z.ZodType) => {
    const found = new Set<string>();
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      const type = (value as { properties?: { type?: { const?: unknown } } }).properties?.type?.const;
      if (typeof type === 'string') found.add(type);
      for (const part of Object.values(value)) walk(part);
    };
    walk(z.toJSONSchema(schema));
    return [...found].sort();
  };

  test.each([
    ['an agent', fromAgent],
    ['the orchestrator', toAgent],
  ])('that %s may send is known to the decoder', (_, { schema, types }) => {
    expect(Object.keys(types).sort()).toEqual(typesIn(schema));
  });

  test('that is left out of the list does not compile, nor does one too many', () => {
    const schema = z.discriminatedUnion('type', [
      z.object({ type: z.literal('a') }),
      z.object({ type: z.literal('b') }),
    ]);
    type Ab = z.infer<typeof schema>;
    const all: FrameSchema<Ab> = { schema, types: { a: true, b: true } };
    // @ts-expect-error `b` is forgotten
    const forgotten: FrameSchema<Ab> = { schema, types: { a: true } };
    // @ts-expect-error there is no `c`
    const tooMany: FrameSchema<Ab> = { schema, types: { a: true, b: true, c: true } };
    expect([all, forgotten, tooMany].map((one) => decodeFrame<Ab>(one, '{"type":"b"}').ok)).toEqual([
      true,
      false,
      true,
    ]);
  });

  test.each(['toString', 'constructor', '__proto__', 'hasOwnProperty'])('is not found on every object: %s', (type) => {
    expect(decodeFrame(fromAgent, JSON.stringify({ type }))).toEqual({ ok: false, ignore: true, type });
  });
});

describe('a close reason', () => {
  test('is at most 123 bytes of well-formed UTF-8, and the head of what it was made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const reason = closeReason(text);
        expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
        expect(reason.isWellFormed()).toBe(true);
        expect(text.toWellFormed().replaceAll('\0', '\u{fffd}').startsWith(reason)).toBe(true);
      }),
    );
    expect(closeReason('é'.repeat(330))).toBe('é'.repeat(61));
    expect(closeReason('x'.repeat(123))).toHaveLength(123);
  });

  test('of a frame that cannot be read fits into a close frame, whatever the frame was', () => {
    const decoded = decodeFrame(fromAgent, JSON.stringify({ type: 'hello', labels: { ['é'.repeat(330)]: 1 } }));
    expect(decoded).toMatchObject({ ok: false, code: 1007 });
    expect(Buffer.byteLength('why' in decoded ? decoded.why : '')).toBeLessThanOrEqual(123);
  });
});

describe('decoding', () => {
  const stop = { type: 'stop', epoch: 1, session: 's', executionId: `e-${crypto.randomUUID()}`, reason: '' };

  test('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.anything()), (data) => void decodeFrame(fromAgent, data)),
    );
    fc.assert(fc.property(fc.json(), (data) => void decodeFrame(toAgent, data)));
  });

  test('drops fields it does not know', () => {
    const decoded = decodeFrame(toAgent, JSON.stringify({ ...stop, later: true }));
    expect(decoded).toEqual({ ok: true, frame: stop });
  });

  test('ignores a type it does not know', () => {
    expect(decodeFrame(toAgent, '{"type":"later"}')).toEqual({ ok: false, ignore: true, type: 'later' });
  });

  test.each([
    [new ArrayBuffer(1), 1003],
    ['{', 1007],
    ['{"type":"stop"}', 1007],
    [' '.repeat(MAX_FRAME_CHARS + 1), 1009],
  ])('answers %# with the fitting close code', (data, code) => {
    expect(decodeFrame(toAgent, data)).toMatchObject({ ok: false, ignore: false, code });
  });
});
