import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MAX_FRAME_CHARS } from '../limits.ts';
import { decodeFrame } from './frames.ts';
import { fromAgent } from './from-agent.ts';
import { LogPull } from './log-link.ts';
import { toAgent } from './to-agent.ts';
import { MIN_PROTOCOL_VERSION, PROTOCOL_VERSION } from './version.ts';

/** One line a version: what both ends' frames hash to. A changed hash asks for a new version and a line here. */
const hashes: Readonly<Record<number, string>> = {
  1: '5d114a23aab7830f',
  2: 'e06d82640288e517',
};

test('the version goes up when a frame changes', () => {
  const frames = [fromAgent.schema, toAgent.schema, LogPull].map((schema) => z.toJSONSchema(schema));
  const hash = createHash('sha256').update(JSON.stringify(frames)).digest('hex').slice(0, 16);
  expect(hash).toBe(hashes[PROTOCOL_VERSION]);
  expect(PROTOCOL_VERSION - MIN_PROTOCOL_VERSION).toBeLessThanOrEqual(1);
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
