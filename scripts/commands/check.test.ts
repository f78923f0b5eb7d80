import { globSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../cli/src/up/config.ts';
import { rooms } from './check.ts';

test('the types of each folder that has a tsconfig.json are checked', () => {
  const exclude = ['**/node_modules/**', '**/dist/**'];
  const files = globSync('**/tsconfig.json', { cwd: root, exclude });
  expect([...rooms].toSorted()).toEqual(files.map(dirname).toSorted());
});
