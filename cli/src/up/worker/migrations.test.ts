import { expect, test } from 'vitest';
import { planMigrations, statementsOf } from './migrations.ts';

const known = ['0000_a.sql', '0001_b.sql'].map((name) => ({ name, statements: [] }));

test('a file is cut at its breakpoints and nowhere else', () => {
  const sql =
    'CREATE TABLE a (x);--> statement-breakpoint\nCREATE TRIGGER t BEGIN SELECT 1; SELECT 2; END;\n--> statement-breakpoint\n';
  expect(statementsOf(sql)).toEqual(['CREATE TABLE a (x);', 'CREATE TRIGGER t BEGIN SELECT 1; SELECT 2; END;']);
});

test('only what is missing is applied', () => {
  const { todo, newer } = planMigrations(known, ['0000_a.sql']);
  expect(todo.map((migration) => migration.name)).toEqual(['0001_b.sql']);
  expect(newer).toEqual([]);
});

test('a database that knows more is newer', () => {
  expect(planMigrations(known, ['0000_a.sql', '0001_b.sql', '0002_c.sql']).newer).toEqual(['0002_c.sql']);
});
