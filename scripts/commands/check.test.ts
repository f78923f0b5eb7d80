import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../../cli/src/up/config.ts';
import { rooms } from './check.ts';

const execute = promisify(execFile);

/** Files of the clone; what commands make is none. */
function filesOf(pattern: string): string[] {
  const exclude = ['node_modules', 'dist', 'coverage', '.shoal', '.wrangler'].map((name) => `**/${name}/**`);
  return globSync(pattern, { cwd: root, exclude });
}

test('the types of each folder that has a tsconfig.json are checked', () => {
  expect([...rooms].toSorted()).toEqual(filesOf('**/tsconfig.json').map(dirname).toSorted());
});

test('the types of every file are checked, of tests and benches too', async () => {
  const checked = new Set<string>();
  for (const room of rooms) {
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    const { stdout } = await execute(tsc, ['-p', room, '--listFilesOnly'], { cwd: root, maxBuffer: 64 * 1024 ** 2 });
    for (const file of stdout.split('\n')) checked.add(relative(root, file.trim()));
  }
  const files = filesOf('**/*.{ts,mts,cts,js,mjs,cjs}');
  expect(files.length).toBeGreaterThan(500);
  expect(files.filter((file) => !checked.has(file))).toEqual([]);
  // tsc is told to skip declarations, as those of packages are not ours to mend. This one names what the runtime has of Node.
  expect(filesOf('**/*.d.{ts,mts,cts}')).toEqual(['src/node-modules.d.ts']);
});
