import { join } from 'node:path';
import { build, stop } from 'esbuild';
import { buildAgent } from '../../../../worker-agent/build.mjs';
import { root } from '../config.ts';

export const workerBundle = join(root, 'dist', 'worker.js');
/** Made by the agent's own package. */
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

/** Makes both bundles, and ends esbuild, which would go on as a process of its own. */
export async function buildAll(): Promise<void> {
  try {
    await Promise.all([buildWorker(), buildAgent()]);
  } finally {
    await stop();
  }
}
