import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { projects, type TestProject } from './test/config/projects.ts';

function configOf({ name, include, exclude = [], inTurns, timeout, hookTimeout }: TestProject) {
  return {
    test: {
      name,
      include: [...include],
      exclude: [...configDefaults.exclude, '**/dist/**', ...exclude],
      fileParallelism: !inTurns,
      testTimeout: timeout * 1_000,
      hookTimeout: hookTimeout * 1_000,
    },
  } satisfies TestProjectInlineConfiguration;
}

/** `test/workerd/set-up.ts` applies the migrations. */
function inWorkerd(project: TestProject): TestProjectInlineConfiguration {
  const config = configOf(project);
  const plugin = cloudflareTest(async () => ({
    wrangler: { configPath: './wrangler.toml' },
    miniflare: {
      // Rows of a test may be older than what a deployment keeps.
      bindings: {
        SHOAL_MODE: 'open',
        RETENTION_DAYS: '0',
        MIGRATIONS: await readD1Migrations('schema/db/migrations'),
      },
    },
  }));
  return { plugins: [plugin], test: { ...config.test, setupFiles: ['./test/workerd/set-up.ts'] } };
}

/** One configuration: each row of `test/config/projects.ts` is a project. */
export default defineConfig({
  test: {
    // The Worker logs each request and turn; of a test that passes nobody reads it.
    silent: 'passed-only',
    projects: projects.map((project) => (project.name === 'workerd' ? inWorkerd(project) : configOf(project))),
  },
});
