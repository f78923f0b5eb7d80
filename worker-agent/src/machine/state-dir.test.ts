import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { NodeId } from '@shoal/schema/ids';
import { LockedError } from './lock.ts';
import { openStateDir } from './state-dir.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-state-'));
  path = join(folder, 'state');
});
afterEach(() => rm(folder, { recursive: true }));

describe('the state folder', () => {
  test('keeps the node id that it made up, readable by its owner alone', async ({ expect }) => {
    const first = await openStateDir(path, null);
    await first.release();
    const second = await openStateDir(path, null);
    await second.release();
    expect(first.nodeId).toMatch(/^n-[0-9a-f-]{36}$/);
    expect(second.nodeId).toBe(first.nodeId);
    expect((await stat(path)).mode & 0o077).toBe(0);
  });

  test('has another journal for another identity', async ({ expect }) => {
    const first = await openStateDir(path, NodeId.parse('n-a'));
    await first.release();
    const second = await openStateDir(path, NodeId.parse('n-b'));
    await second.release();
    expect(first.journalPath).not.toBe(second.journalPath);
  });

  test('is not shared with a live process', async ({ expect }) => {
    const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    await once(other, 'spawn');
    await openStateDir(path, null).then((state) => state.release());
    await writeFile(join(path, 'agent.lock'), JSON.stringify({ pid: other.pid, startedAt: '' }));
    await expect(openStateDir(path, null)).rejects.toThrow(LockedError);
    other.kill('SIGKILL');
    await once(other, 'exit');
    const state = await openStateDir(path, null);
    await state.release();
    expect((await readdir(path)).filter((name) => name.startsWith('agent.lock'))).toEqual([]);
  });

  const stale = [
    { name: 'a process that is gone', text: JSON.stringify({ pid: 4_194_000, startedAt: '' }) },
    {
      name: 'a process whose number has gone to another',
      text: JSON.stringify({ pid: process.ppid, startedAt: 'boot/1' }),
    },
    { name: 'nobody that can be read', text: '' },
  ];
  for (const { name, text } of stale) {
    test(`is taken over from ${name}`, async ({ expect }) => {
      await openStateDir(path, null).then((state) => state.release());
      await writeFile(join(path, 'agent.lock'), text);
      const state = await openStateDir(path, null);
      expect(state.nodeId).toMatch(/^n-/);
      await state.release();
    });
  }
});
