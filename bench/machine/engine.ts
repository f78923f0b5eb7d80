import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureEngine } from '../../cli/src/up/docker/engine.ts';
import { ensureImage } from '../../cli/src/up/docker/image.ts';
import { messageOf } from '../../cli/src/say.mjs';
import { openState } from '../../cli/src/up/state.ts';
import { onInterrupt } from './interrupt.ts';

const say = (line: string): void => void process.stdout.write(`Docker: ${line}\n`);

/**
 * Gives what is run a Docker engine that has the image: one that is there, else one of its own, gone afterwards.
 * Undefined when none is wanted or there is none.
 */
export async function withEngine<T>(
  isWanted: boolean,
  run: (dockerHost: string | undefined) => Promise<T>,
): Promise<T> {
  if (!isWanted) return run(undefined);
  const state = mkdtempSync(join(tmpdir(), 'shoal-bench-docker-'));
  openState(state);
  mkdirSync(join(state, 'tmp'));
  mkdirSync(join(state, 'logs'), { recursive: true });
  const search = await ensureEngine(state, process.env, say);
  const end = async () => {
    await search.engine?.own?.stop();
    rmSync(state, { recursive: true, force: true });
  };
  const isEnded = onInterrupt(end);
  try {
    if (search.engine === undefined) say(search.reason);
    return await run(search.engine === undefined ? undefined : await withImage(search.engine.dockerHost, state));
  } finally {
    isEnded();
    await end();
  }
}

async function withImage(dockerHost: string, state: string): Promise<string | undefined> {
  try {
    say(`${dockerHost}, image ${await ensureImage(dockerHost, join(state, 'tmp'))}`);
    return dockerHost;
  } catch (error) {
    say(messageOf(error));
    return undefined;
  }
}
