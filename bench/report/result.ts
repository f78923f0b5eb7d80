import type { Measure } from '../row.ts';
import { median, ratioOf, readingOf, type Ratio } from './statistics.ts';

/** One measure on one version, round by round; null where a round failed. */
export type Column = readonly (number | null)[];

/** What became of a row on one version. */
export interface Measured {
  /** By measure, as many values as there were rounds. */
  readonly columns: Readonly<Record<string, Column>>;
  /** Why the last failing round gave nothing. */
  readonly failed?: string;
}

/** What became of a row. */
export interface RowResult {
  readonly row: string;
  readonly measures: Readonly<Record<string, Measure>>;
  /** Why it was not measured here at all. */
  readonly skipped?: string;
  /** This version, and the other one when there is one. */
  readonly versions: readonly Measured[];
  /** Cores that other programs kept busy meanwhile; null when unknown. */
  readonly othersBusy: number | null;
}

/** One line of the table. */
export interface Line {
  readonly row: string;
  readonly key: string;
  readonly measure: Measure;
  readonly figures: readonly Figure[];
  readonly ratio: (Ratio & { readonly reading: ReturnType<typeof readingOf> }) | null;
  readonly skipped?: string;
  readonly isDoubtful: boolean;
}

export interface Figure {
  /** All values that there are. */
  readonly values: readonly number[];
  /** Null when there is none. */
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Null without a target; a row that failed has not held it. */
  readonly held: boolean | null;
  readonly failed?: string;
}

/** Cores that others may keep busy before a row's times are doubted. */
export const DOUBTFUL_BUSY = 0.5;

export function linesOf(result: RowResult): Line[] {
  return Object.entries(result.measures).map(([key, measure]) => ({
    row: result.row,
    key,
    measure,
    figures: result.versions.map((version) => figureOf(version, key, measure)),
    ratio: comparisonOf(result, key, measure),
    isDoubtful: (result.othersBusy ?? 0) > DOUBTFUL_BUSY,
    ...(result.skipped !== undefined && { skipped: result.skipped }),
  }));
}

function figureOf({ columns, failed }: Measured, key: string, measure: Measure): Figure {
  const values = (columns[key] ?? []).filter((value) => value !== null && Number.isFinite(value)) as number[];
  const value = values.length === 0 ? null : median(values);
  return {
    values,
    value,
    low: value === null ? null : Math.min(...values),
    high: value === null ? null : Math.max(...values),
    held: measure.target === undefined ? null : failed === undefined && value !== null && meets(value, measure),
    ...(failed !== undefined && { failed }),
  };
}

function meets(value: number, { target = Number.NaN, better }: Measure): boolean {
  return better === 'more' ? value >= target : value <= target;
}

/** More than 1 is better for this version, whichever way the measure counts. */
function comparisonOf({ versions }: RowResult, key: string, { better }: Measure): Line['ratio'] {
  const [mine, theirs] = versions.map(({ columns }) => columns[key] ?? []);
  if (mine === undefined || theirs === undefined) return null;
  const pairs = mine.flatMap((a, i): [number, number][] => {
    const b = theirs[i];
    if (a === null || b === null || b === undefined) return [];
    return [better === 'more' ? [a, b] : [b, a]];
  });
  const ratio = ratioOf(pairs);
  return ratio === null ? null : { ...ratio, reading: readingOf(ratio) };
}
