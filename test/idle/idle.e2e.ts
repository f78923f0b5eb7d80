import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../cli/src/up/config.ts';
import { dockerJob } from '../harness/api.ts';
import { Launched } from '../harness/launched.ts';
import { freePort } from '../harness/free-port.ts';

/** The lease that the sample's execution armed may look once more, 30 s after it. */
const settleMs = 40_000;
const idleMs = 70_000;

let shoal: Launched;
beforeAll(async () => {
  const state = mkdtempSync(join(tmpdir(), 'idle-'));
  shoal = new Launched({ cwd: root, state, port: await freePort() });
  await shoal.printed('Shoal is up', 60_000);
});
afterAll(() => shoal.interrupt());

/** The object logs its constructor, the first frame that wakes it, and each alarm. */
function objectLines(): string[] {
  const log = readFileSync(join(shoal.state, 'logs', 'workerd.log'), 'utf8');
  return log.split('\n').filter((line) => line.includes('"event":"object.'));
}

test('with an agent connected and nothing to do, the object is not woken in 70 s', async () => {
  await sleep(settleMs);
  const before = objectLines();
  expect(before.length).toBeGreaterThan(0);
  await sleep(idleMs);
  const woken = objectLines().slice(before.length);
  process.stdout.write(`\n${woken.length} object lines in ${idleMs / 1000} idle seconds with an agent connected\n\n`);
  expect(woken).toEqual([]);
});

test('what slept so long runs a job at once', async () => {
  const begin = Date.now();
  await shoal.api.waitForJob(await shoal.api.submit(dockerJob(['true'])), 'Completed');
  expect(Date.now() - begin).toBeLessThan(5_000);
});
