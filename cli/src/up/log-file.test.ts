import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { keepBounded, lastLines, logFile } from './log-file.ts';

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
  // Talks until it is told to end, so that however slow this process is there is always more to cut.
  const script = `let n = 0; const t = setInterval(() => { for (let i = 0; i < 100; i++) console.log('line ' + ++n); }, 5);
    process.stdin.on('end', () => process.exit()).on('data', (word) => {
      clearInterval(t);
      if (String(word) === 'quiet') return setInterval(() => console.log('quiet'), 20);
      console.log('the end');
      process.exit();
    });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', out, 'ignore'] });
  closeSync(out);
  keepBounded(file, () => child.exitCode !== null, { limit: 5_000, everyMs: 20 });
  const kept = () => readFileSync(`${file}.1`, 'utf8') + readFileSync(file, 'utf8');
  // Cut once, the first lines are in the other file; cut again, they are gone.
  await vi.waitFor(() => expect(kept()).not.toMatch(/^line 1$/m), { timeout: 15_000 });
  // What comes while it is cut is lost, so the last line has to come when there is nothing to cut.
  child.stdin?.write('quiet');
  await vi.waitFor(() => expect(lastLines(file, 1)).toBe('quiet'), { timeout: 15_000 });
  await vi.waitFor(() => expect(statSync(file).size).toBeLessThan(2_500), { timeout: 15_000 });
  child.stdin?.write('end');
  await once(child, 'exit');
  expect(lastLines(file, 1)).toBe('the end');
  expect(readFileSync(file, 'utf8')).not.toContain('\0');
  rmSync(folder, { recursive: true, force: true });
});
