import { defineConfig } from 'vitest/config';

/** The suffix of a test says what it needs; each need is a project. `npm test` sets all of them up. */
export default defineConfig({
  test: {
    // The Worker logs each request and turn; of a test that passes nobody reads it.
    silent: 'passed-only',
    projects: ['test/config/vitest.*.config.ts'],
  },
});
