/** Texts longer than this are no misspelt name. */
const MAX_CHARS = 64;
/** What a name may begin with to be meant. */
const MIN_HEAD_CHARS = 3;

/**
 * The known name that somebody most likely meant, or null: one that differs in a third of its characters at most, two
 * that changed places counted once, or one that begins as the given text does (`Inputs`: `InputSources`).
 */
export function nearest(given: string, known: readonly string[]): string | null {
  if (given.length > MAX_CHARS) return null;
  const text = given.toLowerCase();
  let best: { name: string; distance: number } | null = null;
  for (const name of known) {
    const distance = distanceOf(text, name.toLowerCase());
    if (distance <= Math.floor(Math.max(text.length, name.length) / 3) && distance < (best?.distance ?? Infinity)) {
      best = { name, distance };
    }
  }
  if (best !== null) return best.name;
  const head = text.replace(/s$/, '');
  return head.length < MIN_HEAD_CHARS ? null : (known.find((name) => name.toLowerCase().startsWith(head)) ?? null);
}

/**
 * How many characters must be put in, left out, replaced or exchanged with their neighbour.
 * @see Optimal string alignment, the restricted distance of Damerau and Levenshtein
 */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(Math.min(replaced, at(row, j) + 1, at(next, j - 1) + 1, isSwap ? at(before, j - 2) + 1 : Infinity));
    }
    [before, row] = [row, next];
  }
  return at(row, b.length);
}

function at(row: readonly number[], i: number): number {
  return row[i] ?? Infinity;
}
