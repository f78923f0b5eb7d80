import { MAX_PROBLEM_CHARS, MAX_PROBLEMS } from './limits.ts';

const MAX_SHOWN_CHARS = 64;

/**
 * What an answer tells of what is wrong: the first problems, each cut, a line each, and how many more there are.
 * @param problems one or more lines each
 */
export function problemText(problems: readonly string[]): string {
  const lines = problems.flatMap((problem) => problem.split('\n'));
  const shown = lines.slice(0, MAX_PROBLEMS).map((line) => shorten(line, MAX_PROBLEM_CHARS));
  const more = lines.length - shown.length;
  return more === 0 ? shown.join('\n') : `${shown.join('\n')}\n(and ${more} more)`;
}

/** The beginning of a text, well-formed, with `...` where it was cut. */
export function shorten(text: string, mostChars: number): string {
  return (text.length > mostChars ? `${text.slice(0, mostChars)}...` : text).toWellFormed();
}

/** What somebody sent, as a message names it. */
export function shown(text: string): string {
  return shorten(text, MAX_SHOWN_CHARS);
}
