/** A query with its values, bound by number (`?1`, `?2`, ...). Kept apart from D1 so that a test can explain its plan. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly (string | number | null)[];
}

/** Above every character: `id >= p AND id < p || LAST` is the range of ids that begin with `p`. */
const LAST = '\u{10ffff}';

/** The text just above every text that begins with `prefix`. */
export function endOfPrefix(prefix: string): string {
  return prefix + LAST;
}
