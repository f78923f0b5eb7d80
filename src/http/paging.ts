import { badRequest, ShoalError } from '../../schema/errors.ts';
import { base64Bytes, base64Url } from '../crypto.ts';
import type { JobCursor, JobOrder } from '../store/reads/jobs.ts';
import { MAX_UINT32 } from './query.ts';

/** How a list of jobs goes on: overrides what the request asks for. */
export interface JobPaging {
  readonly orderBy: JobOrder;
  readonly reverse: boolean;
  readonly limit: number;
  readonly after: JobCursor;
}

/**
 * Bacalhau's token with the last row in the place of an offset: rows that come or go between pages shift nothing.
 * Opaque to clients.
 */
export function jobToken({ orderBy, reverse, limit, after }: JobPaging): string {
  return encode([orderBy, reverse ? 'Y' : 'N', limit, after.at, after.id].join(':'));
}

/** @throws ShoalError 400 */
export function parseJobToken(token: string): JobPaging {
  const refuse = (why: string): Error => badRequest(`${why}: invalid paging token: ${token}`);
  const text = decode(token);
  if (text === null) throw refuse('failed to decode paging token');
  const [orderBy, reverse, limit, at, ...id] = text.split(':');
  if (id.length === 0) throw refuse('invalid number of parts');
  const paging = { limit: wholeNumber(limit), at: wholeNumber(at) };
  if (orderBy !== 'created_at' && orderBy !== 'modified_at') throw refuse('malformed token');
  if (!isFlag(reverse) || paging.limit === null || paging.at === null) throw refuse('malformed token');
  // Only ids of jobs that the user chose may hold a colon.
  const after = { at: paging.at, id: id.join(':') };
  return { orderBy, reverse: reverse === 'Y', limit: paging.limit, after };
}

/** Bacalhau's token as it is: its offset is the number of the next event. */
export function historyToken(limit: number, nextSeq: number): string {
  return encode(`:N:${limit}:${nextSeq}`);
}

/** @throws ShoalError 400 */
export function parseHistoryToken(token: string): { limit: number; nextSeq: number } {
  const refuse = (why: string): Error =>
    new ShoalError('BadRequest', `invalid next token: ${why}: invalid paging token: ${token}`, {
      component: 'JobStore',
    });
  const text = decode(token);
  if (text === null) throw refuse('failed to decode paging token');
  const parts = text.split(':');
  if (parts.length !== 4) throw refuse('invalid number of parts');
  const limit = wholeNumber(parts[2]);
  const nextSeq = wholeNumber(parts[3]);
  if (!isFlag(parts[1]) || limit === null || limit > MAX_UINT32 || nextSeq === null) throw refuse('malformed token');
  return { limit, nextSeq };
}

function isFlag(text: string | undefined): boolean {
  return text === 'Y' || text === 'N';
}

function wholeNumber(text: string | undefined): number | null {
  const value = text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : null;
}

function encode(text: string): string {
  return base64Url(new TextEncoder().encode(text));
}

function decode(token: string): string | null {
  const bytes = /^[A-Za-z0-9_-]+$/.test(token) ? base64Bytes(token) : null;
  if (bytes === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // TypeError: the bytes are no UTF-8.
    return null;
  }
}
