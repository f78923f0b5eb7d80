import { chmod } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const entry = fileURLToPath(new URL('./src/main.ts', import.meta.url));
const outfile = fileURLToPath(new URL('./dist/shoal-agent.cjs', import.meta.url));

/**
 * Bundles the agent into one file that needs nothing but Node 20.19 or newer. CommonJS, because dockerode's dependencies
 * use `__dirname`; its optional native parts are left out.
 * @returns the path of the bundle
 */
export async function buildAgent() {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['cpu-features'],
    loader: { '.node': 'empty' },
    banner: { js: '#!/usr/bin/env node' },
    logLevel: 'warning',
  });
  await chmod(outfile, 0o755);
  return outfile;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${await buildAgent()}\n`);
