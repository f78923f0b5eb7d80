/** Above this many pairs of lines the changed middle is shown as a whole: the search is quadratic. */
const MAX_PAIRS = 4_000_000;

/**
 * Lines of two texts: those of both begin with a blank, those of the old one alone with `-`, those of the new one alone
 * with `+`. Empty when the texts are equal.
 */
export function diffLines(before: string, after: string): string {
  if (before === after) return '';
  const old = before.split('\n');
  const now = after.split('\n');
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  const most = Math.min(old.length, now.length) - start;
  while (end < most && old[old.length - 1 - end] === now[now.length - 1 - end]) end++;
  const changed = between(old.slice(start, old.length - end), now.slice(start, now.length - end));
  const same = (lines: readonly string[]) => lines.map((line) => ` ${line}`);
  return `${[...same(old.slice(0, start)), ...changed, ...same(old.slice(old.length - end))].join('\n')}\n`;
}

function between(old: readonly string[], now: readonly string[]): string[] {
  if (old.length * now.length > MAX_PAIRS) return [...old.map((line) => `-${line}`), ...now.map((line) => `+${line}`)];
  const length = commonLengths(old, now);
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    const [a, b] = [old[i], now[j]];
    if (a !== undefined && a === b) {
      lines.push(` ${a}`);
      i++;
      j++;
    } else if (a !== undefined && (b === undefined || length(i + 1, j) >= length(i, j + 1))) {
      lines.push(`-${a}`);
      i++;
    } else {
      lines.push(`+${b}`);
      j++;
    }
  }
  return lines;
}

/** The length of the longest common subsequence of what follows two places. */
function commonLengths(old: readonly string[], now: readonly string[]): (i: number, j: number) => number {
  const width = now.length + 1;
  const table = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      const at = i * width + j;
      const [down = 0, right = 0, diagonal = 0] = [table[at + width], table[at + 1], table[at + width + 1]];
      table[at] = old[i] === now[j] ? diagonal + 1 : Math.max(down, right);
    }
  }
  return (i, j) => table[i * width + j] ?? 0;
}
