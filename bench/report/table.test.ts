import { describe, expect, test } from 'vitest';
import { asJson } from './json.ts';
import { linesOf, type RowResult } from './result.ts';
import { comparison, number, table } from './table.ts';

const measures = {
  rate: { name: 'jobs', unit: 'jobs/s', better: 'more', target: 1_500 },
  p99: { name: 'p99', unit: 'ms', better: 'less', target: 200 },
  cpu: { name: 'CPU', unit: 'ms/job', better: 'less' },
} as const;

const good: RowResult = {
  row: 'lifecycle',
  measures,
  versions: [{ columns: { rate: [1_600, 1_700, 1_500], p99: [250, 240, 260], cpu: [0.5, 0.25, 0.75] } }],
  othersBusy: 0.1,
};

describe('the table of one version', () => {
  test('has value, spread and whether the target was held', () => {
    expect(
      table(linesOf(good))
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).toEqual(
      [
        ['row', 'measure', 'target', 'value', 'spread', 'held'],
        expect.any(Array),
        ['lifecycle', 'jobs', '>= 1,500 jobs/s', '1,600 jobs/s', '1,500 to 1,700 jobs/s', 'held'],
        ['lifecycle', 'p99', '<= 200 ms', '250 ms', '240 to 260 ms', 'NOT HELD'],
        ['lifecycle', 'CPU', '', '0.50 ms/job', '0.25 to 0.75 ms/job'].filter((cell) => cell !== ''),
      ].map((row) => (Array.isArray(row) ? row.filter((cell: unknown) => cell !== '') : row)),
    );
  });

  test.each([
    [1_500, 'more', true],
    [1_499, 'more', false],
    [1_500, 'less', true],
    [1_501, 'less', false],
  ] as const)('%d where %s than 1,500 is better: held %s', (value, better, held) => {
    const one = { rate: { name: 'x', unit: '', better, target: 1_500 } };
    const [line] = linesOf({ row: 'r', measures: one, versions: [{ columns: { rate: [value] } }], othersBusy: null });
    expect(line?.figures[0]?.held).toBe(held);
  });

  test('a version that fails is a line with the reason, once, and no target held', () => {
    const columns = { rate: [null, null], p99: [null, null], cpu: [null, null] };
    const text = table(linesOf({ ...good, versions: [{ columns, failed: '3 nodes were lost' }] }));
    expect(text.match(/3 nodes were lost/g)).toHaveLength(1);
    expect(text.match(/ FAILED/g)?.length).toBeGreaterThanOrEqual(3);
    expect(text.match(/NOT HELD/g)).toHaveLength(2);
  });

  test('one failing round among good ones shows the values and does not hold', () => {
    const columns = { rate: [1_600, null], p99: [100, null], cpu: [0.5, null] };
    const text = table(linesOf({ ...good, versions: [{ columns, failed: 'a node was lost' }] }));
    expect(text).toContain('1,600 jobs/s');
    expect(text).toContain('a node was lost');
    expect(text.match(/NOT HELD/g)).toHaveLength(2);
  });

  test('a row that cannot be measured here says why', () => {
    const text = table(linesOf({ ...good, versions: [], skipped: 'it needs Linux' }));
    expect(text).toContain('lifecycle: not measured: it needs Linux');
    expect(text).not.toContain('HELD');
  });

  test('a busy machine is said, also in the line', () => {
    const text = table(linesOf({ ...good, othersBusy: 0.9 }));
    expect(text).toContain('not to be trusted');
    expect(text).toContain('1,700 jobs/s !');
    expect(table(linesOf(good))).not.toContain('not to be trusted');
  });

  test('what the system does not tell is not known', () => {
    const text = table(
      linesOf({ ...good, versions: [{ columns: { ...good.versions[0]?.columns, cpu: [NaN, NaN] } }] }),
    );
    expect(text).toContain('not known');
  });
});

describe('the table of two versions', () => {
  const theirs = { columns: { rate: [800, 850, 750], p99: [125, 120, 130], cpu: [0.5, 0.26, 0.74] } };
  const both: RowResult = { ...good, versions: [...good.versions, theirs] };

  test('more than 1.00x is better for this one, whichever way a measure counts', () => {
    const [rate, p99, cpu] = linesOf(both).map(({ ratio }) => ratio);
    expect(rate?.mean).toBeCloseTo(2, 6);
    expect(rate?.reading).toBe('faster');
    expect(p99?.mean).toBeCloseTo(0.5, 6);
    expect(p99?.reading).toBe('slower');
    expect(cpu?.reading).toBe('no difference shown');
  });

  test('prints both values, the ratio, its interval and the reading', () => {
    const line = comparison(linesOf(both), ['this', 'a2bf183']).split('\n')[2]?.split(/ {2,}/);
    expect(line).toEqual([
      'lifecycle',
      'jobs',
      '>= 1,500 jobs/s',
      '1,600 jobs/s',
      '800 jobs/s',
      'held',
      '2.00x',
      '2.00x to 2.00x',
      '3',
      'faster',
    ]);
  });

  test('where the other one fails there is no ratio, and it is said whose failure it is', () => {
    const columns = { rate: [null, null, null], p99: [null, null, null], cpu: [null, null, null] };
    const lines = linesOf({ ...both, versions: [...good.versions, { columns, failed: '3 nodes were lost' }] });
    expect(lines.every(({ ratio }) => ratio === null)).toBe(true);
    expect(comparison(lines, ['this', 'a2bf183'])).toContain('lifecycle, a2bf183: FAILED: 3 nodes were lost');
  });

  test('only rounds in which both gave a value are pairs', () => {
    const holes = { columns: { ...theirs.columns, rate: [800, null, 750] }, failed: 'once' };
    expect(linesOf({ ...both, versions: [...good.versions, holes] })[0]?.ratio?.pairs).toBe(2);
  });
});

test('JSON holds each value of each round, and nothing that JSON cannot say', () => {
  const trees = [{ label: 'this', commit: 'abc' }];
  const report = JSON.parse(asJson({ lines: linesOf(good), results: [good], trees, load: 0.5 }));
  expect(report).toMatchObject({ loadAverageAtStart: 0.5, versions: trees, othersBusyCores: { lifecycle: 0.1 } });
  expect(report.rows[0]).toMatchObject({
    row: 'lifecycle',
    key: 'rate',
    target: 1_500,
    figures: [{ version: 'this', values: [1_600, 1_700, 1_500], value: 1_600, low: 1_500, high: 1_700, held: true }],
  });
});

test.each([
  [0, '0'],
  [1_755.4, '1,755'],
  [44.44, '44.4'],
  [1.234, '1.23'],
  [0.5, '0.50'],
])('%d is printed as %s', (value, want) => {
  expect(number(value)).toBe(want);
});
