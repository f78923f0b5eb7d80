import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Needs a Docker engine (DOCKER_HOST) that has `busybox:latest`. */
export default defineConfig({
  test: {
    name: 'docker',
    root,
    dir: root,
    include: ['worker-agent/src/**/*.docker.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
