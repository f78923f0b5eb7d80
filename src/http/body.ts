import { badRequest } from '../../schema/errors.ts';
import { MAX_BODY_BYTES, MAX_DRAINED_BYTES } from '../../schema/limits.ts';
import type { Ctx } from './deps.ts';

/**
 * The JSON body of a request; undefined when it is empty. As in Go, what follows the first JSON value is ignored.
 * @throws ShoalError 400 for another content type or malformed JSON, 413 for too large a body
 */
export async function readJsonBody(c: Ctx): Promise<unknown> {
  const text = await readText(c.req.raw.body);
  if (text === '') return undefined;
  const type = (c.req.header('Content-Type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw badRequest(
      'code=415, message=Unsupported Media Type',
      400,
      'Send the header Content-Type: application/json.',
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const first = firstValue(text);
    if (first !== null) return first.value;
    throw badRequest(`malformed JSON: ${error instanceof Error ? error.message : 'cannot be read'}`);
  }
}

/** Counts while it reads: a body without a length must not fill the memory. */
async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_DRAINED_BYTES) break;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > MAX_BODY_BYTES) throw bodyTooLarge();
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode();
}

/**
 * Refuses a body that is announced as too large. It is read all the same, up to a bound: most clients look for an answer
 * only after they sent everything, and would find a broken connection instead of the 413. One that asked with
 * `Expect: 100-continue` is told before it sends.
 * @throws ShoalError 413
 */
export async function refuseLargeBody(request: Request): Promise<void> {
  const announced = Number(request.headers.get('Content-Length') ?? 0);
  if (announced <= MAX_BODY_BYTES) return;
  const waits = request.headers.get('Expect')?.toLowerCase() === '100-continue';
  if (!waits && announced <= MAX_DRAINED_BYTES) await drain(request.body);
  throw bodyTooLarge();
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

function bodyTooLarge(): Error {
  return badRequest('Request Entity Too Large', 413);
}

/** The object or array at the start of a text that goes on after it; null when there is none. */
function firstValue(text: string): { value: unknown } | null {
  const start = text.search(/\S/);
  if (start < 0 || !'{['.includes(text.charAt(start))) return null;
  let depth = 0;
  let inString = false;
  for (let i = start; i < text.length; i++) {
    const character = text.charAt(i);
    if (inString) {
      if (character === '\\') i += 1;
      else if (character === '"') inString = false;
      continue;
    }
    if (character === '"') inString = true;
    else if ('{['.includes(character)) depth += 1;
    else if ('}]'.includes(character)) depth -= 1;
    if (depth === 0 && !inString) return parseOrNull(text.slice(start, i + 1));
  }
  return null;
}

function parseOrNull(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}
