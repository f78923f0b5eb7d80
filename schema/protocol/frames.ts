import type { z } from 'zod';
import { issueText } from '../issue-text.ts';
import { MAX_FRAME_CHARS } from '../limits.ts';
import { closeReason } from './version.ts';

/** A frame that was read, one that is skipped because its type is not known here, or the close code that answers it. */
export type Decoded<T> =
  | { ok: true; frame: T }
  | { ok: false; ignore: true; type: string }
  | { ok: false; ignore: false; code: 1003 | 1007 | 1009; why: string };

/** A discriminated union of frames on `type`, with every type it knows: one that is left out does not compile. */
export interface FrameSchema<T extends { readonly type: string }> {
  readonly schema: z.ZodType<T>;
  readonly types: Readonly<Record<T['type'], true>>;
}

/**
 * Reads one WebSocket frame; never throws. Unknown fields are dropped and unknown types are ignored, so that either end
 * may be one version newer.
 */
export function decodeFrame<T extends { readonly type: string }>(
  { schema, types }: FrameSchema<T>,
  data: unknown,
): Decoded<T> {
  if (typeof data !== 'string') return { ok: false, ignore: false, code: 1003, why: 'text frames only' };
  if (data.length > MAX_FRAME_CHARS) {
    return { ok: false, ignore: false, code: 1009, why: `a frame holds at most ${MAX_FRAME_CHARS} characters` };
  }
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return { ok: false, ignore: false, code: 1007, why: 'not JSON' };
  }
  const type = readType(json);
  if (type !== null && !Object.hasOwn(types, type)) return { ok: false, ignore: true, type };
  const read = schema.safeParse(json);
  if (read.success) return { ok: true, frame: read.data };
  const issue = read.error.issues[0];
  // What a frame holds may be a token, and this goes into logs.
  const where = issue === undefined ? '' : issueText(issue, { root: json, whole: 'type', given: 'kind' });
  return { ok: false, ignore: false, code: 1007, why: closeReason(`${type ?? 'frame'}: ${where}`) };
}

function readType(json: unknown): string | null {
  if (typeof json !== 'object' || json === null || !('type' in json)) return null;
  return typeof json.type === 'string' ? json.type : null;
}
