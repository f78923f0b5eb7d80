import type { Measure } from '../row.ts';
import type { Figure, Line } from './result.ts';

const HEADS = ['row', 'measure', 'target', 'value', 'spread', 'held'];

/** The table of one version: a line a measure, then what failed or was left out, and why. */
export function table(lines: readonly Line[]): string {
  const cells = lines.map(({ row, measure, figures: [figure], isDoubtful, skipped }) => [
    row,
    measure.name,
    targetText(measure),
    skipped === undefined ? valueText(figure, measure) : 'not measured',
    spreadText(figure, measure) + (isDoubtful ? ' !' : ''),
    heldText(figure, skipped),
  ]);
  return [...grid([HEADS, ...cells]), ...remarks(lines, ['this'])].join('\n');
}

/** The table of two versions. @param labels of this version and the other */
export function comparison(lines: readonly Line[], labels: readonly [string, string]): string {
  const heads = ['row', 'measure', 'target', ...labels, 'held', 'ratio', '95 % interval', 'pairs', 'reading'];
  const cells = lines.map(({ row, measure, figures, ratio, isDoubtful, skipped }) => [
    row,
    measure.name,
    targetText(measure),
    ...labels.map((_, i) => (skipped === undefined ? valueText(figures[i], measure) : 'not measured')),
    heldText(figures[0], skipped),
    ratio === null ? '' : `${ratio.mean.toFixed(2)}x`,
    ratio === null || ratio.pairs < 2 ? '' : `${ratio.low.toFixed(2)}x to ${ratio.high.toFixed(2)}x`,
    ratio === null ? '' : String(ratio.pairs),
    (ratio === null ? '' : ratio.reading) + (isDoubtful ? ' !' : ''),
  ]);
  return [...grid([heads, ...cells]), ...remarks(lines, labels)].join('\n');
}

function grid(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [heads = [], ...rest] = rows;
  return [line(heads), widths.map((width) => '-'.repeat(width)).join('  '), ...rest.map(line)];
}

/** Reasons once a row, not once a measure. */
function remarks(lines: readonly Line[], labels: readonly string[]): string[] {
  const said = new Set<string>();
  for (const { row, figures, skipped } of lines) {
    if (skipped !== undefined) said.add(`${row}: not measured: ${skipped}`);
    for (const [i, { failed }] of figures.entries()) {
      if (failed !== undefined) said.add(`${row}${labels.length > 1 ? `, ${labels[i] ?? ''}` : ''}: FAILED: ${failed}`);
    }
  }
  if (lines.some(({ isDoubtful }) => isDoubtful)) {
    said.add('! other programs kept the machine busy meanwhile: times of these rows are not to be trusted');
  }
  return said.size === 0 ? [] : ['', ...said];
}

function targetText({ target, better, unit }: Measure): string {
  if (target === undefined) return '';
  return `${better === 'more' ? '>=' : '<='} ${withUnit(number(target), unit)}`;
}

function valueText(figure: Figure | undefined, { unit }: Measure): string {
  if (figure === undefined) return '';
  if (figure.value === null) return figure.failed === undefined ? 'not known' : 'FAILED';
  return withUnit(number(figure.value), unit);
}

function spreadText(figure: Figure | undefined, { unit }: Measure): string {
  if (figure === undefined || figure.low === null || figure.high === null || figure.values.length < 2) return '';
  return withUnit(`${number(figure.low)} to ${number(figure.high)}`, unit);
}

function heldText(figure: Figure | undefined, skipped: string | undefined): string {
  if (skipped !== undefined || figure === undefined || figure.held === null) return '';
  return figure.held ? 'held' : 'NOT HELD';
}

function withUnit(text: string, unit: string): string {
  if (unit === '') return text;
  return unit === 'x' ? `${text}x` : `${text} ${unit}`;
}

/** Three digits that count. */
export function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(size >= 10 ? 1 : 2);
}
