import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A real `npm start`; not part of `npm test`: `npm run test:fresh`. */
export default defineConfig({
  test: {
    name: 'fresh',
    root,
    dir: root,
    include: ['test/fresh/**/*.e2e.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 360_000,
    hookTimeout: 120_000,
  },
});
