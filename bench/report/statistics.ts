/** The value below which a share of the values lies, by linear interpolation; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const ascending = values.toSorted((a, b) => a - b);
  const at = (ascending.length - 1) * share;
  const [low, high] = [ascending[Math.floor(at)], ascending[Math.ceil(at)]];
  return low === undefined || high === undefined ? Number.NaN : low + (high - low) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Student's t: 97.5 % of it lies below, by degrees of freedom from 1. */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
] as const;

/** The tabled value of the next smaller number of degrees of freedom, so that an interval is never too narrow. */
export function studentT(degrees: number): number {
  return T_975[Math.min(degrees, T_975.length) - 1] ?? Number.POSITIVE_INFINITY;
}

export interface Ratio {
  /** Geometric mean of the pairs' ratios. */
  readonly mean: number;
  /** Its 95 % interval; from 0 to Infinity for fewer than two pairs. */
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
}

/**
 * How one version stands to another: the mean of the logarithms of the pairs' ratios, with Student's t interval around it.
 * @param pairs two values above zero that were measured one after the other; others are left out
 * @returns null when no pair is left
 */
export function ratioOf(pairs: readonly (readonly [mine: number, theirs: number])[]): Ratio | null {
  const logs = pairs.filter(([a, b]) => a > 0 && b > 0).map(([a, b]) => Math.log(a / b));
  if (logs.length === 0) return null;
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  if (logs.length === 1) return { mean: Math.exp(mean), low: 0, high: Number.POSITIVE_INFINITY, pairs: 1 };
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
  const half = studentT(logs.length - 1) * Math.sqrt(variance / logs.length);
  return { mean: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half), pairs: logs.length };
}

/** Who of two versions is faster, where the interval says so. */
export function readingOf({ low, high }: Ratio): 'slower' | 'faster' | 'no difference shown' {
  if (high < 1) return 'slower';
  return low > 1 ? 'faster' : 'no difference shown';
}
