import type { D1Database } from '@cloudflare/workers-types';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export type Migration = { readonly name: string; readonly statements: readonly string[] };

/** wrangler's own table, so that a folder migrated either way is understood by the other. */
const bookkeeping = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`;

/** The SQL files of a folder, oldest first. */
export function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.toSorted().map((name) => ({ name, statements: statementsOf(readFileSync(join(folder, name), 'utf8')) }));
}

export function statementsOf(sql: string) {
  const parts = sql.split('--> statement-breakpoint').map((part) => part.trim());
  return parts.filter((part) => part !== '');
}

/** What is left to apply. A database that knows a migration this code does not is newer than the code: null. */
export function planMigrations(
  known: readonly Migration[],
  applied: readonly string[],
): { todo: Migration[]; newer: string[] } {
  const names = new Set(known.map((migration) => migration.name));
  return {
    todo: known.filter((migration) => !applied.includes(migration.name)),
    newer: applied.filter((name) => !names.has(name)),
  };
}

/**
 * Applies what is missing, each file in one transaction together with the row that says so.
 * @returns `newer` not empty: nothing was done
 */
export async function applyMigrations(
  db: D1Database,
  known: readonly Migration[],
): Promise<{ applied: string[]; newer: string[] }> {
  await db.prepare(bookkeeping).run();
  const rows = await db.prepare('SELECT name FROM d1_migrations ORDER BY id').all();
  const { todo, newer } = planMigrations(
    known,
    rows.results.map((row) => String(row['name'])),
  );
  if (newer.length > 0) return { applied: [], newer };
  for (const { name, statements } of todo) {
    const row = db.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name);
    await db.batch([...statements.map((statement) => db.prepare(statement)), row]);
  }
  return { applied: todo.map((migration) => migration.name), newer: [] };
}
