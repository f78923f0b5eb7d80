import { diffArrays } from 'diff';

/** Lines that go and come at most: the search takes the square of them. With more, what changed is shown as a whole. */
const MAX_EDITS = 1_000;

/**
 * Lines of two texts: those of both begin with a blank, those of the old one alone with `-`, those of the new one alone
 * with `+`. Empty when the texts are equal.
 */
export function diffLines(before: string, after: string): string {
  if (before === after) return '';
  const old = before.split('\n');
  const now = after.split('\n');
  const start = common(old, now);
  const end = common(old.slice(start).toReversed(), now.slice(start).toReversed());
  const shown = (sign: string, lines: readonly string[]) => lines.map((line) => `${sign}${line}`);
  const lines = [
    ...shown(' ', old.slice(0, start)),
    ...between(old.slice(start, old.length - end), now.slice(start, now.length - end)),
    ...shown(' ', old.slice(old.length - end)),
  ];
  return `${lines.join('\n')}\n`;

  function between(removed: string[], added: string[]): string[] {
    const changes = diffArrays(removed, added, { maxEditLength: MAX_EDITS });
    if (changes === undefined) return [...shown('-', removed), ...shown('+', added)];
    return changes.flatMap((change) => shown(change.removed ? '-' : change.added ? '+' : ' ', change.value));
  }
}

/** How many lines both begin with. */
function common(a: readonly string[], b: readonly string[]): number {
  const first = a.findIndex((line, i) => line !== b[i]);
  return first < 0 ? a.length : first;
}
