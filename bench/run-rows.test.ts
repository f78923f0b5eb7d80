import { expect, test } from 'vitest';
import { Unmet, type Row } from './row.ts';
import { orderOf, runRow } from './run-rows.ts';
import type { Tree } from './trees/tree.ts';

const tree = (label: string): Tree => ({
  label,
  root: '',
  commit: '',
  launcher: {} as Tree['launcher'],
});
const [ours, theirs] = [tree('ours'), tree('theirs')];
const setting = { quick: false, dockerHost: undefined };

interface Script {
  readonly open?: (label: string) => void;
  readonly round?: (label: string, n: number) => number | Promise<number>;
  readonly deadlineMs?: number;
}

/** A row that writes down what is done with it. */
function scripted({ open = () => {}, round = () => 1, deadlineMs = 5_000 }: Script, done: string[]): Row<'x'> {
  return {
    name: 'scripted',
    measures: { x: { name: 'x', unit: '', better: 'more' } },
    rounds: { full: 1, quick: 1 },
    deadlineMs,
    open: async ({ label }) => {
      done.push(`open ${label}`);
      open(label);
      let n = 0;
      return {
        round: async () => {
          done.push(label);
          n += 1;
          return { x: await round(label, n) };
        },
        close: async () => void done.push(`close ${label}`),
      };
    },
  };
}

test('versions are measured in turns: A B, B A', async () => {
  const done: string[] = [];
  const { result, faults } = await runRow(scripted({ round: (_, n) => n }, done), [ours, theirs], 3, setting);
  expect(done).toEqual([
    ...['open ours', 'open theirs'],
    ...['ours', 'theirs', 'theirs', 'ours', 'ours', 'theirs'],
    ...['close ours', 'close theirs'],
  ]);
  expect(result.versions.map(({ columns }) => columns['x'])).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
  expect(faults).toEqual([]);
  expect(orderOf(['a', 'b'], 1)).toEqual(['b', 'a']);
});

test('a version that fails ends neither the row nor the other version, and is asked twice only', async () => {
  const done: string[] = [];
  const round = (label: string) => {
    if (label === 'theirs') throw new Unmet('3 nodes were lost');
    return 7;
  };
  const { result, faults } = await runRow(scripted({ round }, done), [ours, theirs], 4, setting);
  expect(result.versions).toEqual([
    { columns: { x: [7, 7, 7, 7] } },
    { columns: { x: [null, null, null, null] }, failed: '3 nodes were lost' },
  ]);
  expect(done.filter((what) => what === 'theirs')).toHaveLength(2);
  expect(faults).toEqual([]);
});

test('a round that fails leaves its place empty, so that pairs stay pairs', async () => {
  const round = (_: string, n: number) => {
    if (n === 2) throw new Unmet('once');
    return n;
  };
  const { result } = await runRow(scripted({ round }, []), [ours], 4, setting);
  expect(result.versions).toEqual([{ columns: { x: [1, null, 3, 4] }, failed: 'once' }]);
});

test('a version that cannot be prepared is a failure too, and the other one is closed', async () => {
  const done: string[] = [];
  const open = (label: string) => {
    if (label === 'ours') throw new Unmet('not welcome');
  };
  const { result } = await runRow(scripted({ open }, done), [ours, theirs], 1, setting);
  expect(result.versions).toEqual([{ columns: { x: [null] }, failed: 'not welcome' }, { columns: { x: [1] } }]);
  expect(done.at(-1)).toBe('close theirs');
});

test('what is not over in time has failed', async () => {
  const round = () => new Promise<number>(() => {});
  const { result, faults } = await runRow(scripted({ round, deadlineMs: 10 }, []), [ours], 1, setting);
  expect(result.versions[0]?.failed).toContain('not over within 0.01 s');
  expect(faults).toEqual([]);
});

test("an error of the bench's own is printed as a failure, and is a fault", async () => {
  const round = () => {
    throw new TypeError('undefined is no function');
  };
  const { result, faults } = await runRow(scripted({ round }, []), [ours], 1, setting);
  expect(result.versions[0]?.failed).toBe('undefined is no function');
  expect(faults.map(({ message }) => message)).toEqual(['undefined is no function']);
});
