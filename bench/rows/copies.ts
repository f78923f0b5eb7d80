import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

/**
 * Fills a Worker's database with copies of one job, as many as a year would bring. Knows nothing of the tables but that
 * ids hold uuids: each row that belongs to the job is copied with new ones, so that any version's rows come out whole.
 */

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Microseconds between one copy and the next, which are older. */
const APART_US = 1_000;
/** Columns of these names are times in microseconds when they hold so much. */
const AT = /(^|_)at$/;
const LEAST_US = 1e14;

type Row = Readonly<Record<string, SQLInputValue>>;

interface Template {
  readonly table: string;
  readonly rows: readonly Row[];
}

/** @param state of an installation whose Worker is stopped */
export function copyJob(state: string, jobId: string, copies: number): void {
  const db = new DatabaseSync(databaseIn(state));
  try {
    const templates = templatesOf(db, jobId);
    const ids = uuidsOf(templates, jobId);
    db.exec('BEGIN');
    for (const { table, rows } of templates) {
      for (const row of rows) insertCopies(db, { table, row, ids, copies });
    }
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

/** D1's file: the one that has the table. */
function databaseIn(state: string): string {
  const files = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.sqlite'));
  for (const file of files) {
    const db = new DatabaseSync(join(state, file));
    const found = db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'job_versions'`).get();
    db.close();
    if (found !== undefined) return join(state, file);
  }
  throw new Error('the Worker left no database');
}

/** The rows of all tables that name the job. */
function templatesOf(db: DatabaseSync, jobId: string): Template[] {
  const tables = db
    .prepare(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_%' ESCAPE '\\'`,
    )
    .all() as { name: string }[];
  return tables.flatMap(({ name }) => {
    const rows = db.prepare(`SELECT * FROM "${name}"`).all() as Row[];
    const own = rows.filter((row) => Object.values(row).includes(jobId));
    return own.length === 0 ? [] : [{ table: name, rows: own }];
  });
}

/** The uuids that only this job's rows have: its own, its executions' and so on, not its node's. */
function uuidsOf(templates: readonly Template[], jobId: string): string[] {
  const keys = templates.flatMap(({ rows }) => rows.flatMap((row) => [row['id'], row['eval_id']]));
  const texts = [jobId, ...keys.filter((value) => typeof value === 'string')];
  return [...new Set(texts.flatMap((text) => text.match(UUID) ?? []))];
}

interface Copies {
  readonly table: string;
  readonly row: Row;
  readonly ids: readonly string[];
  readonly copies: number;
}

function insertCopies(db: DatabaseSync, { table, row, ids, copies }: Copies): void {
  const names = Object.keys(row);
  const statement = db.prepare(
    `INSERT INTO "${table}" (${names.map((name) => `"${name}"`).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
  );
  for (let n = 1; n <= copies; n++) statement.run(...names.map((name) => copied(name, row[name] ?? null, ids, n)));
}

function copied(name: string, value: SQLInputValue, ids: readonly string[], n: number): SQLInputValue {
  if (typeof value === 'number' && AT.test(name) && value > LEAST_US) return value - n * APART_US;
  if (typeof value !== 'string') return value;
  return ids.reduce((text, id, i) => text.replaceAll(id, uuidOf(n, i)), value);
}

/** Spread over the alphabet of ids, as random ones are; another for each copy `n` and each id `i` of it. */
export function uuidOf(n: number, i: number): string {
  const head = ((n * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0');
  return `${head}-${i.toString(16).padStart(4, '0')}-4000-8000-${String(n).padStart(12, '0')}`;
}
