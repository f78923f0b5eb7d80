import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openState } from '../state.ts';
import { startDaemon } from './daemon.ts';

/** Answers as a daemon does, and logs without end. */
const talkative = `#!${process.execPath}
const { createServer } = require('node:http');
const host = process.argv[process.argv.indexOf('--host') + 1];
createServer((_, response) => response.end('OK')).listen(host.slice('unix://'.length));
setInterval(() => console.error('x'.repeat(10_000)), 10);
`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'd-'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'dockerd'), talkative, { mode: 0o755 });
  vi.stubEnv('PATH', `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test.runIf(process.platform === 'linux')(
  'the log of a daemon stays bounded while it runs, also of one that was there',
  async () => {
    const state = join(folder, 's');
    openState(state);
    const log = join(state, 'logs', 'dockerd.log');
    const bounds = { limit: 50_000, everyMs: 50 };
    const daemon = await startDaemon(state);
    try {
      while (statSync(log).size < 200_000) await sleep(20);
      const again = await startDaemon(state, bounds);
      expect(again.reused).toBe(true);
      await vi.waitFor(() => expect(statSync(log).size).toBeLessThan(200_000), { timeout: 15_000 });
    } finally {
      await daemon.stop();
    }
  },
);
