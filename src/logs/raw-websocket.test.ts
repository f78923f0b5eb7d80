import { describe, expect, test } from 'vitest';
import { closeFrame, readHandshake, textFrames, untilClosed } from './raw-websocket.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What comes in pieces of so many bytes; then it ends, or nothing more comes. */
function incoming(bytes: Uint8Array, size: number, ends = true) {
  let at = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at >= bytes.length && !ends) return new Promise<void>(() => {});
        if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += size)));
        else controller.close();
        return undefined;
      },
    },
    { highWaterMark: 0 },
  );
  return stream.getReader();
}

describe('a handshake', () => {
  const request =
    'GET /some-ticket HTTP/1.1\r\nHost: log\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

  test.each([1, 7, 1_000])('is answered as RFC 6455 does its example, in pieces of %i', async (size) => {
    const handshake = await readHandshake(incoming(bytesOf(request), size));
    expect(handshake?.path).toBe('/some-ticket');
    const answer = textOf((await handshake?.answer()) ?? new Uint8Array(0));
    expect(answer).toContain('HTTP/1.1 101 Switching Protocols\r\n');
    expect(answer).toMatch(/\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n\r\n$/);
  });

  test.each([
    ['another method', request.replace('GET', 'POST')],
    ['another protocol', request.replace('HTTP/1.1', 'HTTP/2')],
    ['no key', request.replace('Sec-WebSocket-Key', 'Sec-WebSocket-Other')],
    ['an end in its middle', request.slice(0, 60)],
    ['nothing', ''],
    ['a head without end', `GET / HTTP/1.1\r\n${'x'.repeat(20_000)}`],
  ])('with %s is none', async (_, text) => {
    expect(await readHandshake(incoming(bytesOf(text), 1_000))).toBe(null);
  });
});

describe('a frame', () => {
  test.each([0, 1, 125, 126, 65_535, 65_536, 300_000])('of %i bytes has the header that belongs to it', (length) => {
    const frame = textFrames(['x'.repeat(length)]);
    const view = new DataView(frame.buffer);
    expect(frame[0]).toBe(0x81);
    const [bytes, header] =
      length < 126 ? [frame[1], 2] : length < 65_536 ? [view.getUint16(2), 4] : [Number(view.getBigUint64(2)), 10];
    expect([bytes, frame.length]).toEqual([length, header + length]);
  });

  test('counts bytes, not characters, and follows the one before', () => {
    expect(textFrames(['ü', 'a'])).toEqual(new Uint8Array([0x81, 2, 0xc3, 0xbc, 0x81, 1, 97]));
    expect(closeFrame(1000)).toEqual(new Uint8Array([0x88, 2, 0x03, 0xe8]));
  });
});

describe('the end of what a client sends', () => {
  const masked = (opcode: number, payload: number): Uint8Array => {
    const extended = payload < 126 ? [] : payload < 65_536 ? [payload >> 8, payload & 0xff] : null;
    const lengths = extended ?? [0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (payload >>> shift) & 0xff)];
    const length = payload < 126 ? payload : payload < 65_536 ? 126 : 127;
    // A payload that looks like a close.
    return new Uint8Array([
      0x80 | opcode,
      0x80 | length,
      ...lengths,
      1,
      2,
      3,
      4,
      ...Array.from({ length: payload }, () => 0x88),
    ]);
  };
  const join = (...frames: Uint8Array[]): Uint8Array => new Uint8Array(frames.flatMap((frame) => [...frame]));

  const before = join(masked(1, 3), masked(9, 0), masked(2, 200), masked(2, 70_000), masked(1, 125));
  test.each([1, 2, 3, 5, 64, 100_000])('is its close, after whatever it sent, in pieces of %i', async (size) => {
    await untilClosed(incoming(join(before, masked(8, 2)), size, false));
  });

  test('is not in a payload, but in the end of the connection', async () => {
    let ended = false;
    const waiting = untilClosed(incoming(before, 1_000, false)).then(() => (ended = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(ended).toBe(false);
    void waiting;
    await untilClosed(incoming(before, 1_000));
    await untilClosed(incoming(before.subarray(0, 5), 1_000));
  });
});
