import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Needs nothing but Node. */
export default defineConfig({
  test: {
    name: 'node',
    root,
    dir: root,
    include: ['{schema,src,worker-agent,cli,scripts,test,bench}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.workerd.test.ts'],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
