import { applyD1Migrations, reset } from 'cloudflare:test';
import type { D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, expect, test } from 'vitest';

const { DB, MIGRATIONS } = env as unknown as { DB: D1Database; MIGRATIONS: D1Migration[] };

const fence = `INSERT INTO fence (cell, epoch, commit_seq, commit_id, next_wake, clock) VALUES ('c', 7, 3, 'x', 0, 0)`;
const guard = 'INSERT INTO guard (cell, epoch, commit_seq) VALUES (?, ?, ?)';
const command = `INSERT INTO commands (id, cell, job_id, answer, expires_at) VALUES (?, 'c', 'j', '{}', 0)`;

async function commandIds(): Promise<unknown[]> {
  const { results } = await DB.prepare('SELECT id FROM commands ORDER BY id').all();
  return results.map((row) => row['id']);
}

beforeEach(async () => {
  await reset();
  await applyD1Migrations(DB, MIGRATIONS);
  await DB.prepare(fence).run();
});

test('a batch whose guard agrees with the fence commits', async () => {
  await DB.batch([DB.prepare(guard).bind('c', 7, 3), DB.prepare(command).bind('good')]);
  expect(await commandIds()).toEqual(['good']);
});

test.for([
  ['another epoch', 'c', 8, 3],
  ['another sequence', 'c', 7, 4],
  ['an unknown cell', 'd', 7, 3],
])('a batch whose guard names %s leaves nothing', async ([, cell, epoch, sequence]) => {
  const batch = DB.batch([DB.prepare(command).bind('bad'), DB.prepare(guard).bind(cell, epoch, sequence)]);
  await expect(batch).rejects.toThrow('shoal:fenced');
  expect(await commandIds()).toEqual([]);
});
