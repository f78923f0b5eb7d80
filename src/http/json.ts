import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Ctx } from './deps.ts';

const PRETTY_INDENT = 2;
const ESCAPED = /[<>&\u2028\u2029]/g;

/** JSON as Go's encoder writes it: `<`, `>`, `&` and the line separators escaped, a newline at the end. */
function toJson(value: unknown, pretty: boolean): string {
  const text = JSON.stringify(value, null, pretty ? PRETTY_INDENT : undefined);
  // These characters only ever stand inside strings, where the escape means the same.
  const escaped = text.replaceAll(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${escaped}\n`;
}

/** Answers JSON, indented when the query has a key `pretty`, whatever its value. */
export function answer(c: Ctx, value: object, status: ContentfulStatusCode = 200): Response {
  return c.body(toJson(value, isPretty(c.req.url)), status, { 'Content-Type': 'application/json' });
}

function isPretty(url: string): boolean {
  if (!url.includes('?')) return false;
  // An address that cannot be read is answered too, with what is wrong with it.
  return [...(URL.parse(url)?.searchParams.keys() ?? [])].some((key) => key.toLowerCase() === 'pretty');
}
