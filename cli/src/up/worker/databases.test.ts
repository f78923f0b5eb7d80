import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { checkDatabases } from './databases.ts';

const pageBytes = 4096;
const d1 = 'd1/miniflare-D1DatabaseObject/0123.sqlite';
const places = [d1, 'do/shoal-Scheduler/4567.sqlite', 'r2/miniflare-R2BucketObject/89ab.sqlite'];

let made = '';
let folder = '';
beforeAll(() => {
  made = mkdtempSync(join(tmpdir(), 'databases-'));
  for (const place of places) makeKilled(join(made, 'whole', place));
});
beforeEach(() => {
  folder = join(made, 'tried');
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(made, 'whole'), folder, { recursive: true });
});
afterAll(() => rmSync(made, { recursive: true, force: true }));

/** A database as a process leaves it that is killed: pages in the file, and some in its log. */
function makeKilled(file: string) {
  const scratch = `${file}.scratch`;
  mkdirSync(join(file, '..'), { recursive: true });
  const database = new DatabaseSync(scratch);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE rows (id TEXT PRIMARY KEY, text TEXT)');
  const insert = database.prepare('INSERT INTO rows VALUES (?, ?)');
  for (let i = 0; i < 200; i++) insert.run(`row ${i}`, 'x'.repeat(200));
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  insert.run('last', 'in the log');
  for (const end of ['', '-wal']) cpSync(`${scratch}${end}`, `${file}${end}`);
  database.close();
  rmSync(scratch);
}

function overwrite(file: string, from: number, bytes: number, value: number) {
  const data = readFileSync(file);
  data.fill(value, from, Math.min(data.length, from + bytes));
  writeFileSync(file, data);
}

const damages: readonly (readonly [how: string, end: '' | '-wal', damage: (file: string) => void])[] = [
  ['is cut in a page', '', (file) => truncateSync(file, pageBytes * 2 + 100)],
  ['is cut between pages', '', (file) => truncateSync(file, pageBytes * 3)],
  ['is cut to nothing', '', (file) => truncateSync(file, 0)],
  ['is all zeros', '', (file) => overwrite(file, 0, Number.MAX_SAFE_INTEGER, 0)],
  ['is text', '', (file) => writeFileSync(file, 'not a database\n'.repeat(1000))],
  ['has another beginning', '', (file) => overwrite(file, 0, 16, 7)],
  ['has pages overwritten', '', (file) => overwrite(file, pageBytes * 2, pageBytes * 2, 0xa5)],
  ['has a page of zeros', '', (file) => overwrite(file, pageBytes * 3, pageBytes, 0)],
  ['has a log of zeros', '-wal', (file) => overwrite(file, 0, Number.MAX_SAFE_INTEGER, 0)],
  ['has a log of text', '-wal', (file) => writeFileSync(file, 'not a log\n'.repeat(1000))],
  ['has a log with another checksum', '-wal', (file) => overwrite(file, 24, 8, 1)],
  ['has a log that ends in its header', '-wal', (file) => truncateSync(file, 20)],
];

describe('a database that', () => {
  for (const [how, end, damage] of damages) {
    test.each(places)(`${how} is named, with what to do: %s`, (place) => {
      const file = join(folder, `${place}${end}`);
      damage(file);
      const said = messageOf(() => checkDatabases(folder));
      expect(said).toContain(file);
      expect(said).toMatch(/put back a copy of .*, or move these files away; /);
      expect(said).not.toContain('\n');
    });
  }

  test('was left by a killed process is whole, and keeps what is in its log', () => {
    checkDatabases(folder);
    const database = new DatabaseSync(join(folder, d1));
    expect(database.prepare('SELECT text FROM rows WHERE id = ?').get('last')).toEqual({ text: 'in the log' });
    database.close();
  });

  test('was moved away is no fault, nor is a state folder that is new', () => {
    for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `${d1}${end}`), { force: true });
    checkDatabases(folder);
    checkDatabases(join(folder, 'none'));
  });
});

function messageOf(run: () => void) {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('nothing was found');
}
