import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A real `npm start`; not part of `npm test`: `npm run test:idle`. */
export default defineConfig({
  test: {
    name: 'idle',
    root,
    dir: root,
    include: ['test/idle/**/*.e2e.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 360_000,
    hookTimeout: 120_000,
  },
});
