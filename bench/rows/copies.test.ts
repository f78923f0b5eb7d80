import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import { copyJob, uuidOf } from './copies.ts';

const folder = mkdtempSync(join(tmpdir(), 'copies-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const JOB = 'j-aaaaaaaa-0000-4000-8000-000000000001';
const OTHER = 'j-aaaaaaaa-0000-4000-8000-000000000002';
const EXECUTION = 'e-bbbbbbbb-0000-4000-8000-000000000001';
const NODE = 'n-cccccccc-0000-4000-8000-000000000001';
const AT = 1_763_633_472_000_000;

test('each row of a job comes out once a copy, with ids and times of its own', () => {
  const db = new DatabaseSync(join(folder, 'd1.sqlite'));
  db.exec(`
    CREATE TABLE jobs (id TEXT PRIMARY KEY, name TEXT UNIQUE, count INTEGER, created_at INTEGER, waiting_since INTEGER);
    CREATE TABLE job_versions (job_id TEXT, version INTEGER, spec TEXT, created_at INTEGER, PRIMARY KEY (job_id, version));
    CREATE TABLE executions (id TEXT PRIMARY KEY, job_id TEXT, node_id TEXT, output TEXT);
    CREATE TABLE events (job_id TEXT, seq INTEGER, execution_id TEXT, details TEXT, PRIMARY KEY (job_id, seq));
    CREATE TABLE nodes (id TEXT PRIMARY KEY);
  `);
  for (const id of [JOB, OTHER]) {
    db.prepare('INSERT INTO jobs VALUES (?, ?, 1, ?, NULL)').run(id, id, AT);
    db.prepare('INSERT INTO job_versions VALUES (?, 1, ?, ?)').run(id, JSON.stringify({ Name: id }), AT);
  }
  db.prepare('INSERT INTO executions VALUES (?, ?, ?, NULL)').run(EXECUTION, JOB, NODE);
  for (const seq of [1, 2]) {
    db.prepare('INSERT INTO events VALUES (?, ?, ?, ?)').run(JOB, seq, EXECUTION, JSON.stringify({ node: NODE }));
  }
  db.prepare('INSERT INTO nodes VALUES (?)').run(NODE);
  db.close();

  copyJob(folder, JOB, 3);

  const after = new DatabaseSync(join(folder, 'd1.sqlite'));
  const count = (from: string) => Number(after.prepare(`SELECT count(*) AS n FROM ${from}`).get()?.['n']);
  expect({ jobs: count('jobs'), versions: count('job_versions'), nodes: count('nodes') }).toEqual({
    jobs: 5,
    versions: 5,
    nodes: 1,
  });
  expect(count('executions JOIN jobs ON jobs.id = job_id')).toBe(4);
  expect(count('events JOIN executions ON executions.id = execution_id AND executions.job_id = events.job_id')).toBe(8);
  expect(count(`executions WHERE node_id = '${NODE}'`)).toBe(4);
  expect(after.prepare('SELECT * FROM jobs WHERE id = ?').get(`j-${uuidOf(2, 0)}`)).toEqual({
    id: `j-${uuidOf(2, 0)}`,
    name: `j-${uuidOf(2, 0)}`,
    count: 1,
    created_at: AT - 2_000,
    waiting_since: null,
  });
  expect(count(`job_versions WHERE spec ->> 'Name' = job_id`)).toBe(5);
  after.close();
});

test('a hundred thousand copies have ids that differ', () => {
  expect(new Set(Array.from({ length: 100_000 }, (_, n) => uuidOf(n + 1, 0))).size).toBe(100_000);
});
