import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lastLines, logFile } from './log-file.mjs';

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
