import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, stateFolder } from '../../cli/src/up/config.mjs';
import { mountsUnder, stopDaemon } from '../../cli/src/up/docker/daemon.mjs';
import { endProcess } from '../../cli/src/up/processes.mjs';
import { UserError, say } from '../../cli/src/say.mjs';
import { isStateFolder, readRecords, userOf } from '../../cli/src/up/state.mjs';

/** What the commands make in the clone. */
const made = [
  'dist',
  'worker-agent/dist',
  '.wrangler',
  'coverage',
  'node_modules',
  'worker-agent/node_modules',
  'schema/node_modules',
];

/**
 * Removes all that the commands made; ends what a killed `npm start` left. Runs without dependencies.
 * @param {Readonly<Record<string, string | undefined>>} env
 */
export async function clean(env) {
  const state = stateFolder(env);
  if (existsSync(state)) await removeState(state);
  for (const path of made) {
    if (!existsSync(join(root, path))) continue;
    rmSync(join(root, path), { recursive: true, force: true });
    say(`removed ${path}`);
  }
  return 0;
}

/** @param {string} state */
async function removeState(state) {
  if (!isStateFolder(state)) throw new UserError(`SHOAL_STATE=${state} is not a state folder of Shoal; it stays`);
  const owner = userOf(state);
  if (owner !== undefined)
    throw new UserError(`npm start is running on ${state} (process ${owner.pid}); stop it first`);
  for (const [name, record] of Object.entries(readRecords(state))) {
    if (name !== 'dockerd') await endProcess(record, name.startsWith('agent-') ? 15_000 : 0);
  }
  await stopDaemon(state);
  const [mount] = mountsUnder([`${state}/`]);
  if (mount !== undefined) throw new UserError(`${mount} is still mounted; unmount it, then try again`);
  rmSync(state, { recursive: true, force: true });
  say(`removed ${state}`);
}
