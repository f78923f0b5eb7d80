import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { makeTar } from './tar.ts';

test('tar itself reads what is made', () => {
  const tar = makeTar([
    { name: 'bin/', mode: 0o755, type: 'folder' },
    { name: 'bin/busybox', mode: 0o755, type: 'file', content: Buffer.from('x'.repeat(700)) },
    { name: 'bin/sh', mode: 0o777, type: 'link', target: 'busybox' },
  ]);
  const listing = execFileSync('tar', ['-tvf', '-'], { input: tar, encoding: 'utf8' }).trim().split('\n');
  expect(listing.map((line) => line.split(/\s+/)[0])).toEqual(['drwxr-xr-x', '-rwxr-xr-x', 'lrwxrwxrwx']);
  expect(listing[1]).toContain(' 700 ');
  expect(listing[2]).toContain('bin/sh -> busybox');
});
