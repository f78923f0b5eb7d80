import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { root } from '../config.mjs';
import { UserError } from '../../say.mjs';

export const workerBundle = join(root, 'dist', 'worker.js');
export const agentBundle = join(root, 'worker-agent', 'dist', 'shoal-agent.cjs');

/** One file of what `wrangler deploy` would upload. */
export async function buildWorker() {
  await build({
    absWorkingDir: root,
    entryPoints: ['src/index.ts'],
    outfile: workerBundle,
    bundle: true,
    format: 'esm',
    target: 'es2024',
    external: ['cloudflare:*', 'node:*'],
    conditions: ['workerd', 'worker', 'browser'],
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'warning',
  });
}

/** The agent as its users get it; its own package knows how. */
export async function buildAgent() {
  const script = join(root, 'worker-agent', 'build.mjs');
  const module = /** @type {{ buildAgent: () => Promise<unknown> }} */ (await import(pathToFileURL(script).href));
  await module.buildAgent();
  if (!existsSync(agentBundle)) throw new UserError(`the agent's build made no ${agentBundle}`);
}

export async function buildAll() {
  await Promise.all([buildWorker(), buildAgent()]);
}
