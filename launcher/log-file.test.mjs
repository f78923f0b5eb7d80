import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepBounded, lastLines, logFile } from './log-file.mjs';

test('a log keeps at most two files of its limit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-log-'));
  const file = join(folder, 'logs', 'a.log');
  const write = logFile(file, 30);
  for (let n = 10; n < 30; n += 1) write(`line ${n}\n`);
  expect(readdirSync(join(folder, 'logs'))).toEqual(['a.log', 'a.log.1']);
  expect(readFileSync(`${file}.1`, 'utf8').length).toBeLessThan(60);
  expect(lastLines(file, 1)).toBe('line 29');
  rmSync(folder, { recursive: true, force: true });
});

test('a log that another process appends to is cut while it grows, and ends with its last line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-log-'));
  const file = join(folder, 'a.log');
  const out = openSync(file, 'a');
  const script = `let n = 0; const t = setInterval(() => { for (let i = 0; i < 100; i++) console.log('line ' + ++n);
    if (n === 10000) clearInterval(t); }, 5);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', out, 'ignore'] });
  closeSync(out);
  keepBounded(file, () => child.exitCode !== null, { limit: 5_000, everyMs: 20 });
  await once(child, 'exit');
  await new Promise((resolve) => setTimeout(resolve, 100));
  // All of it would be 108 894 bytes.
  expect(statSync(file).size + statSync(`${file}.1`).size).toBeLessThan(54_000);
  expect([lastLines(file, 1), lastLines(`${file}.1`, 1)]).toContain('line 10000');
  expect(readFileSync(file, 'utf8')).not.toContain('\0');
  rmSync(folder, { recursive: true, force: true });
});
