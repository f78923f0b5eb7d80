import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../cli/src/up/config.ts';

/** What `npm test` runs; what is run by itself may measure. */
const SUITES = ['{schema,src,worker-agent,cli,scripts,test}/**/*.{test,docker}.ts', 'test/e2e/*.e2e.ts'];
/** An assertion about the time that is, or that something took: a busy machine makes it fail. */
const ASSERTED = /expect\([^;]*(?:Date\.now\(\)|performance\.now\(\)|\b(?:took|elapsed)Ms\b)[^;]*;/g;
/** @returns `file: what stands there` */
function found(pattern: RegExp): string[] {
  const files = SUITES.flatMap((suite) => globSync(suite, { cwd: root, exclude: (name) => name === 'node_modules' }));
  return files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(pattern)].map(([text]) => `${file}: ${text}`),
  );
}

test('no test of the standard suite asserts how long something took', () => {
  expect(found(ASSERTED)).toEqual([]);
});
