import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../config.mjs';
import { rooms } from './check.mjs';

test('the types of each folder that has a tsconfig.json are checked', () => {
  const files = execFileSync('git', ['ls-files', 'tsconfig.json', '**/tsconfig.json'], { cwd: root, encoding: 'utf8' });
  expect([...rooms].toSorted()).toEqual(files.trim().split('\n').map(dirname).toSorted());
});
