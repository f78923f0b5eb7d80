import { cpus, platform, release, totalmem } from 'node:os';
import type { Tree } from '../trees/tree.ts';
import type { Line, RowResult } from './result.ts';

export interface Report {
  readonly lines: readonly Line[];
  readonly results: readonly RowResult[];
  readonly trees: readonly Pick<Tree, 'label' | 'commit'>[];
  /** Load average at the start. */
  readonly load: number;
}

/** All figures, for machines; what is not known is null. */
export function asJson({ lines, results, trees, load }: Report): string {
  const report = {
    at: new Date().toISOString(),
    machine: {
      cores: cpus().length,
      memoryBytes: totalmem(),
      system: `${platform()} ${release()}`,
      node: process.version,
    },
    loadAverageAtStart: load,
    versions: trees.map(({ label, commit }) => ({ label, commit })),
    othersBusyCores: Object.fromEntries(results.map(({ row, othersBusy }) => [row, othersBusy])),
    rows: lines.map(({ row, key, measure, figures, ratio, skipped }) => ({
      row,
      key,
      ...measure,
      target: measure.target ?? null,
      skipped: skipped ?? null,
      figures: figures.map((figure, i) => ({ version: trees[i]?.label, ...figure, failed: figure.failed ?? null })),
      ratio,
    })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
