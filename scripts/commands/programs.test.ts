import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../../cli/src/up/config.ts';

const run = promisify(execFile);

test('every command of a fresh clone goes through the first stage, which installs what is missing', async () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const names = Object.keys(scripts);
  expect(scripts).toEqual(Object.fromEntries(names.map((name) => [name, `exec node scripts/run.mjs ${name}`])));
  const refused = await run(process.execPath, [join(root, 'scripts', 'main.ts'), 'no-such-command']).catch(
    (error) => error,
  );
  const known = refused.stderr.replace(/^.*: /, '').trim().split(', ');
  expect(known.toSorted()).toEqual(names.toSorted());
});
