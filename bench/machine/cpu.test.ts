import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseBusy, parseStat } from './cpu.ts';

const rest = 'S 7 42 42 0 -1 4194560 100 200 0 0 11 22 3 4 20 0 1 0 500 1000 10';

test.each([
  [`42 (workerd) ${rest}`, { pid: 42, parent: 7, own: 33, ended: 7 }],
  [`42 (a (b) c) d) ${rest}`, { pid: 42, parent: 7, own: 33, ended: 7 }],
  ['', null],
  ['42 (short) S 7', null],
])('the line of a process: %s', (line, want) => {
  expect(parseStat(line)).toEqual(want);
});

test('busy is all but idle and waiting for disks', () => {
  expect(parseBusy('cpu  1 2 4 1000 1000 8 16 32 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n')).toBe(63);
  expect(parseBusy('nothing')).toBe(0);
});

test.runIf(process.platform === 'linux')('the system writes its lines so', () => {
  expect(parseStat(readFileSync('/proc/self/stat', 'utf8'))).toMatchObject({ pid: process.pid, parent: process.ppid });
  expect(parseBusy(readFileSync('/proc/stat', 'utf8'))).toBeGreaterThan(0);
});
