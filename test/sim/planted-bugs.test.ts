import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runBatch } from './batch.ts';
import { plantedBugs } from './planted-bugs.ts';

const SEEDS = 200;
const PLANT = new URL('plant.ts', import.meta.url).href;

test.for(plantedBugs)('the place for the bug "$name" is there, once', ({ file, find }) => {
  const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  expect(source.split(find)).toHaveLength(2);
});

/** Bugs are planted into the source as a process of its own reads it; the files stay as they are. */
describe.concurrent('a planted bug is found', () => {
  test.for(plantedBugs)('$name', { timeout: 300_000 }, async ({ name }, { expect }) => {
    const env = { SHOAL_PLANTED_BUG: name };
    const { violations } = await runBatch({
      base: 1,
      seeds: SEEDS,
      processes: 1,
      stopAtFirst: true,
      env,
      preload: [PLANT],
    });
    expect(violations).toHaveLength(1);
  });
});
