import { badRequest } from '../../schema/errors.ts';
import { checkJsonBounds } from '../../schema/json-bounds.ts';
import {
  LARGE_JSON_VALUES,
  MAX_BODY_BYTES,
  MAX_CREDENTIAL_BODY_BYTES,
  MAX_DRAINED_BYTES,
  MAX_JSON_BYTES,
} from '../../schema/limits.ts';
import type { Ctx } from './deps.ts';

/**
 * The JSON body of a request; undefined when it is empty. As in Go, what follows the first object or list is ignored.
 * @throws ShoalError 400 for another content type, malformed JSON or JSON beyond its bounds; 413 for too large a body, 429 when
 *   too many large ones wait
 */
export async function readJsonBody(c: Ctx): Promise<unknown> {
  const announced = Number(c.req.header('Content-Length') ?? 0);
  const isLarge = announced > MAX_JSON_BYTES;
  if (isLarge) await c.get('takeTurn')();
  const bytes = await readBytes(c.req.raw, mostBytes(c));
  if (bytes.length === 0) return undefined;
  const type = (c.req.header('Content-Type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw badRequest(
      'code=415, message=Unsupported Media Type',
      400,
      'Send the header Content-Type: application/json.',
    );
  }
  const size = checkJsonBounds(bytes);
  if (!isLarge && (bytes.length > MAX_JSON_BYTES || size.values > LARGE_JSON_VALUES)) await c.get('takeTurn')();
  return parse(bytes.subarray(0, size.end), (why) => badRequest(`malformed JSON: ${why}`));
}

/**
 * Parses what a caller sent, once it is known to be small enough.
 * @throws ShoalError when its bounds are exceeded; what `malformed` makes of the parser's words when it is no JSON
 */
export function parseJson(bytes: Uint8Array, malformed: (why: string) => Error): unknown {
  return parse(bytes.subarray(0, checkJsonBounds(bytes).end), malformed);
}

function parse(bytes: Uint8Array, malformed: (why: string) => Error): unknown {
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : 'cannot be read');
  }
}

function mostBytes(c: Ctx): number {
  return c.get('reached').route?.takesCredentials === true ? MAX_CREDENTIAL_BODY_BYTES : MAX_BODY_BYTES;
}

/** A body that says its length is read at once, as a large one comes in thousands of pieces. */
async function readBytes(request: Request, most: number): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array(0);
  const announced = request.headers.get('Content-Length');
  if (announced === null || Number(announced) > most) return readCounting(request.body, most);
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.length > most) throw bodyTooLarge(most);
  return bytes;
}

/** Counts while it reads: a body without a length must not fill the memory. */
async function readCounting(body: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_DRAINED_BYTES) break;
    if (bytes <= most) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > most) throw bodyTooLarge(most);
  return joined(chunks, bytes);
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/**
 * Refuses a body that is announced as too large. It is read all the same, up to a bound: most clients look for an answer
 * only after they sent everything, and would find a broken connection instead of the 413. One that asked with
 * `Expect: 100-continue` is told before it sends.
 * @throws ShoalError 413
 */
export async function refuseLargeBody(c: Ctx): Promise<void> {
  const request = c.req.raw;
  const most = mostBytes(c);
  const announced = Number(request.headers.get('Content-Length') ?? 0);
  if (announced <= most) return;
  const waits = request.headers.get('Expect')?.toLowerCase() === '100-continue';
  if (!waits && announced <= MAX_DRAINED_BYTES) await drain(request.body);
  throw bodyTooLarge(most);
}

async function drain(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body === null) return;
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      if (bytes > MAX_DRAINED_BYTES) return;
    }
  } catch {
    // A client that left needs no answer.
  }
}

/** Bacalhau's words; a hint says what is allowed. */
function bodyTooLarge(most: number): Error {
  return badRequest('Request Entity Too Large', 413, `A body of this route has at most ${most} bytes.`);
}
