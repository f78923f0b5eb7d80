import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The real stack on loopback; needs a Docker engine (DOCKER_HOST) that has `busybox:latest`, and both bundles. */
export default defineConfig({
  test: {
    name: 'e2e',
    root,
    dir: root,
    include: ['test/e2e/**/*.e2e.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
