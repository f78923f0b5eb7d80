import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { goJson } from '../go-json.ts';
import type { Ctx } from './deps.ts';

const PRETTY_INDENT = 2;

/** Answers JSON, indented when the query has a key `pretty`, whatever its value. */
export function answer(c: Ctx, value: object, status: ContentfulStatusCode = 200): Response {
  const indent = isPretty(c.req.url) ? PRETTY_INDENT : undefined;
  return c.body(goJson(value, indent), status, { 'Content-Type': 'application/json' });
}

function isPretty(url: string): boolean {
  if (!url.includes('?')) return false;
  // An address that cannot be read is answered too, with what is wrong with it.
  return [...(URL.parse(url)?.searchParams.keys() ?? [])].some((key) => key.toLowerCase() === 'pretty');
}
