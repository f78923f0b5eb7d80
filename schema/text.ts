/**
 * The head of a text, at most `maxBytes` of UTF-8, whole characters, well-formed and without NUL: SQLite ends a text at
 * a NUL, and a lone surrogate cannot be written as UTF-8.
 */
export function cutText(text: string, maxBytes: number): string {
  const clean = (text.includes('\0') ? text.replaceAll('\0', '\u{fffd}') : text).toWellFormed();
  // Most texts are short: three bytes is the most that one UTF-16 unit can take.
  if (clean.length * 3 <= maxBytes) return clean;
  let bytes = 0;
  let end = 0;
  for (const character of clean) {
    bytes += utf8Length(character.codePointAt(0) ?? 0);
    if (bytes > maxBytes) return clean.slice(0, end);
    end += character.length;
  }
  return clean;
}

function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}
