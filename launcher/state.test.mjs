import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endProcess, isAlive, recordOf } from './processes.mjs';
import { keepRecord, lockState, openState, readRecords } from './state.mjs';

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'shoal-state-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a folder that holds something else is refused', () => {
  writeFileSync(join(folder, 'thesis.txt'), 'precious');
  expect(() => openState(folder)).toThrow('holds something else');
});

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
