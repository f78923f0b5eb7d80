const ESCAPED = /[<>&\u2028\u2029]/g;

/**
 * JSON as Go's encoder writes it: `<`, `>`, `&` and the line separators escaped, a newline at the end.
 * @param indent  blanks a level; none puts all on one line
 */
export function goJson(value: object, indent?: number): string {
  // These characters only ever stand inside strings, where the escape means the same.
  const escape = (one: string) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(value, null, indent).replaceAll(ESCAPED, escape)}\n`;
}
