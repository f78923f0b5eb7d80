import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endProcess, isAlive, recordOf } from './processes.ts';
import { keepRecord, lockState, openState, readRecords } from './state.ts';

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'shoal-state-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a folder that holds something else is refused', () => {
  writeFileSync(join(folder, 'thesis.txt'), 'precious');
  expect(() => openState(folder)).toThrow('holds something else');
});

test('a folder that cannot be made is refused by name', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => openState(join(folder, 'file', 'a', 'b'))).toThrow(`SHOAL_STATE=${join(folder, 'file', 'a', 'b')}: `);
  openState(join(folder, 'a', 'b'));
});

test.skipIf(!existsSync('/proc/self'))(
  'so is one where nothing can be made at all',
  async () => {
    // In a process of its own: the fault was that it never ended.
    const script = `import(${JSON.stringify(import.meta.resolve('./state.ts'))})
    .then(({ openState }) => openState('/proc/shoal/state')).catch((error) => console.log(error.message))`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 10_000 });
    let said = '';
    child.stdout.on('data', (text) => (said += text));
    await once(child, 'close');
    expect(said).toMatch(/^SHOAL_STATE=\/proc\/shoal\/state: ENOENT/);
  },
  20_000,
);

test('a folder is used by one process at a time', () => {
  openState(folder);
  openState(folder);
  const unlock = lockState(folder);
  expect(() => lockState(folder)).toThrow(`in use by process ${process.pid}`);
  unlock();
  lockState(folder)();
});

test('the lock of a process that is gone is taken over', () => {
  openState(folder);
  writeFileSync(join(folder, 'running.json'), JSON.stringify({ pid: process.pid, started: 'another boot' }));
  lockState(folder)();
});

test('a recorded process is known again, and a later one of its pid is not taken for it', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const record = keepRecord(folder, 'sleeper', child.pid);
  expect(readRecords(folder)).toEqual({ sleeper: record });
  expect(record && isAlive(record)).toBe(true);
  expect(isAlive({ pid: child.pid ?? 0, started: 'another' })).toBe(false);
  if (record !== undefined) await endProcess(record, 1_000);
  expect(recordOf(child.pid ?? 0)).toBeUndefined();
  keepRecord(folder, 'sleeper', undefined);
  expect(readRecords(folder)).toEqual({});
});
