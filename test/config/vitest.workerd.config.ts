import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs inside workerd, with the bindings of wrangler.toml; `test/workerd/set-up.ts` applies the migrations. */
export default defineConfig({
  plugins: [
    cloudflareTest(async () => ({
      wrangler: { configPath: `${root}wrangler.toml` },
      miniflare: {
        // Rows of a test may be older than what a deployment keeps.
        bindings: {
          SHOAL_MODE: 'open',
          RETENTION_DAYS: '0',
          MIGRATIONS: await readD1Migrations(`${root}schema/db/migrations`),
        },
      },
    })),
  ],
  test: {
    name: 'workerd',
    root,
    dir: root,
    include: ['{src,test}/**/*.workerd.test.ts'],
    setupFiles: [`${root}test/workerd/set-up.ts`],
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
});
