import { expect, test } from 'vitest';
import { chosen, rows } from './registry.ts';

test('each row has a name of its own that --only can take, measures, and rounds', () => {
  const names = rows.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, measures, rounds } of rows) {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
    expect(Object.keys(measures).length).toBeGreaterThan(0);
    expect(rounds.full).toBeGreaterThan(0);
    expect(rounds.quick).toBeLessThanOrEqual(rounds.full);
  }
});

test('without names all rows are chosen, with names those, in the order of the table', () => {
  expect(chosen([])).toEqual(rows);
  const [first, second] = rows;
  if (first === undefined || second === undefined) throw new Error('there are rows');
  expect(chosen([second.name, first.name])).toEqual([first, second]);
});

test('an unknown name is refused, with all that there are', () => {
  expect(() => chosen(['nodes', 'nods'])).toThrow(/nods: no such row; there are .*nodes/);
});
