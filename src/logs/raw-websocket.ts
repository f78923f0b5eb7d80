import { base64 } from '../crypto.ts';

/**
 * The server's side of a WebSocket on a bare connection (RFC 6455), as far as a log needs it: text frames go out, and what
 * comes in is only looked at for its end. The other side is workerd's own.
 */

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MAX_HEAD_BYTES = 16 * 1024;
const END_OF_HEAD = '\r\n\r\n';

const TEXT = 0x81;
const CLOSE = 0x88;
const OPCODE = 0x0f;
const CLOSE_OPCODE = 0x08;
const MASKED = 0x80;
const LENGTH = 0x7f;
const MASK_BYTES = 4;
/** A length of its own follows the header: of two bytes, or of eight. */
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;

export interface Handshake {
  /** Of the request. */
  readonly path: string;
  /** The bytes that accept it. */
  answer(): Promise<Uint8Array>;
}

/** Reads the request; null when it is none for a WebSocket. The client sends nothing after it before it is answered. */
export async function readHandshake(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Handshake | null> {
  const decoder = new TextDecoder();
  let head = '';
  while (!head.includes(END_OF_HEAD)) {
    const { value, done } = await reader.read();
    if (done || head.length + value.length > MAX_HEAD_BYTES) return null;
    head += decoder.decode(value, { stream: true });
  }
  const path = /^GET (\S+) HTTP\/1\.1\r\n/.exec(head)?.[1];
  const key = /\r\nsec-websocket-key:[ \t]*(\S+)[ \t]*\r\n/i.exec(head)?.[1];
  if (path === undefined || key === undefined) return null;
  return { path, answer: () => acceptOf(key) };
}

async function acceptOf(key: string): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const digest = await crypto.subtle.digest('SHA-1', encoder.encode(`${key}${GUID}`));
  const accept = base64(new Uint8Array(digest));
  return encoder.encode(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
}

/** Resolves when the client closes, in whatever way. */
export async function untilClosed(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  let data = new Uint8Array(0);
  /** Of a frame's payload, still to come. */
  let skip = 0;
  for (;;) {
    const frame = skip > 0 ? null : headerOf(data);
    if (frame !== null) {
      if (frame.opcode === CLOSE_OPCODE) return;
      data = data.subarray(frame.headerBytes);
      skip = frame.payloadBytes;
    }
    const skipped = Math.min(skip, data.length);
    data = data.subarray(skipped);
    skip -= skipped;
    if (data.length > 0 && (skip > 0 || headerOf(data) !== null)) continue;
    const { value, done } = await reader.read();
    if (done) return;
    const more = new Uint8Array(data.length + value.length);
    more.set(data);
    more.set(value, data.length);
    data = more;
  }
}

interface Header {
  readonly opcode: number;
  readonly headerBytes: number;
  readonly payloadBytes: number;
}

/** Null when not all of it is there. */
function headerOf(data: Uint8Array): Header | null {
  const [first, second] = data;
  if (first === undefined || second === undefined) return null;
  const length = second & LENGTH;
  const lengthBytes = length === TWO_BYTES ? 2 : length === EIGHT_BYTES ? 8 : 0;
  const headerBytes = 2 + lengthBytes + ((second & MASKED) === 0 ? 0 : MASK_BYTES);
  if (data.length < headerBytes) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const payloadBytes =
    lengthBytes === 2 ? view.getUint16(2) : lengthBytes === 8 ? Number(view.getBigUint64(2)) : length;
  return { opcode: first & OPCODE, headerBytes, payloadBytes };
}

/** Text frames, one behind the other. */
export function textFrames(texts: Iterable<string>): Uint8Array {
  const encoder = new TextEncoder();
  const payloads = [...texts].map((text) => encoder.encode(text));
  const bytes = payloads.reduce((sum, { length }) => sum + headerBytesFor(length) + length, 0);
  const frames = new Uint8Array(bytes);
  const view = new DataView(frames.buffer);
  let at = 0;
  for (const payload of payloads) {
    const headerBytes = headerBytesFor(payload.length);
    frames[at] = TEXT;
    if (headerBytes === 2) frames[at + 1] = payload.length;
    else if (headerBytes === 4) {
      frames[at + 1] = TWO_BYTES;
      view.setUint16(at + 2, payload.length);
    } else {
      frames[at + 1] = EIGHT_BYTES;
      view.setBigUint64(at + 2, BigInt(payload.length));
    }
    frames.set(payload, at + headerBytes);
    at += headerBytes + payload.length;
  }
  return frames;
}

function headerBytesFor(length: number): number {
  if (length < TWO_BYTES) return 2;
  return length < 2 ** 16 ? 4 : 10;
}

/** The frame that ends a WebSocket with a code. */
export function closeFrame(code: number): Uint8Array {
  return new Uint8Array([CLOSE, 2, code >> 8, code & 0xff]);
}
