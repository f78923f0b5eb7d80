import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { recordOf } from '../processes.ts';
import { endLeftWorker } from './worker.ts';

const state = mkdtempSync(join(tmpdir(), 'worker-'));
afterAll(() => rmSync(state, { recursive: true, force: true }));

/** A process that runs until it is ended, with this folder for what is temporary. */
async function startProcess(temporary: string) {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: temporary },
  });
  await once(child.stdout, 'data');
  return child;
}

// A holder that is killed while it starts leaves a workerd that no record names, and that holds the port.
test.runIf(process.platform === 'linux')('what an earlier holder started is ended, told of or not', async () => {
  const left = await startProcess(join(state, 'tmp', 'worker'));
  const other = await startProcess(join(state, 'tmp', 'worker-of-another'));
  try {
    await endLeftWorker(state);
    expect(recordOf(left.pid ?? 0)).toBeUndefined();
    expect(recordOf(other.pid ?? 0)).toBeDefined();
  } finally {
    left.kill('SIGKILL');
    other.kill('SIGKILL');
  }
});
