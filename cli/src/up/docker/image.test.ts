import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { busyboxLayer } from './image.ts';

test('tar itself reads the layer that is made of busybox', async () => {
  const tar = await busyboxLayer(Buffer.from('x'.repeat(700)), ['sh', 'echo']);
  const listing = execFileSync('tar', ['-tvf', '-'], { input: tar, encoding: 'utf8' }).trim().split('\n');
  const find = (name: string) => listing.find((line) => line.endsWith(` ${name}`)) ?? '';
  expect(find('bin')).toMatch(/^drwxr-xr-x/);
  expect(find('tmp')).toMatch(/^drwxrwxrwt/);
  expect(find('bin/busybox')).toMatch(/^-rwxr-xr-x .* 700 /);
  expect(find('bin/sh -> busybox')).toMatch(/^lrwxrwxrwx/);
  expect(find('bin/echo -> busybox')).toMatch(/^lrwxrwxrwx/);
  expect(find('etc/passwd')).toMatch(/^-rw-r--r--/);
  expect(listing).toHaveLength(16);
});
