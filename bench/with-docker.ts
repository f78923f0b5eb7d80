import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureEngine } from '../launcher/docker/engine.mjs';
import { ensureImage } from '../launcher/docker/image.mjs';
import { openState } from '../launcher/state.mjs';

/** Gives what is run a Docker engine that has the image: one that is there, else one of its own, gone afterwards. */
export async function withDocker(run: () => Promise<void>): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'bench-'));
  openState(state);
  mkdirSync(join(state, 'tmp'));
  mkdirSync(join(state, 'logs'), { recursive: true });
  const search = await ensureEngine(state, process.env, (line) => process.stdout.write(`Docker: ${line}\n`));
  try {
    if (search.engine === undefined) throw new Error(search.reason);
    await ensureImage(search.engine.dockerHost, join(state, 'tmp'));
    process.env['DOCKER_HOST'] = search.engine.dockerHost;
    await run();
  } finally {
    await search.engine?.own?.stop();
    rmSync(state, { recursive: true, force: true });
  }
}
