import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Kills of workerd and agents under load; not part of `npm test`: `npm run test:chaos`. */
export default defineConfig({
  test: {
    name: 'chaos',
    root,
    dir: root,
    include: ['test/chaos/**/*.e2e.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 120_000,
  },
});
