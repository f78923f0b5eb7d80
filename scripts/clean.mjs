import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { say } from '../cli/src/say.mjs';

/** What the commands make in the clone, beside a state folder. */
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
 * Removes all that the commands made. To end what a killed `npm start` left takes the second stage; where there is no state
 * folder nothing is left, and nothing has to be installed to remove the rest.
 * @param {string} root
 * @param {() => Promise<number>} removeState the second stage: ends what is left, removes the state folder
 * @returns {Promise<number>} exit code
 */
export async function clean(root, removeState) {
  const given = process.env['SHOAL_STATE'];
  if (given === '' || existsSync(given === undefined ? join(root, '.shoal') : resolve(given))) {
    const code = await removeState();
    if (code !== 0) return code;
  }
  for (const path of made) {
    if (!existsSync(join(root, path))) continue;
    rmSync(join(root, path), { recursive: true, force: true });
    say(`removed ${path}`);
  }
  return 0;
}
