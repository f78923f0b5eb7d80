import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError, messageOf } from '../say.mjs';

/**
 * What callers and agents of a closed installation show. Each is in a file that only its owner can read, so that a
 * command can name the file instead of the value.
 * @typedef {object} Secrets
 * @property {string} adminToken
 * @property {string} nodeToken
 * @property {string} adminFile
 * @property {string} nodeFile
 */

/**
 * Those of the environment; what it lacks is made once and kept in the state folder.
 * @param {string} state
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {Secrets}
 */
export function readSecrets(state, env) {
  const adminFile = join(state, 'admin-token');
  const nodeFile = join(state, 'node-token');
  return {
    adminToken: keep(adminFile, env['SHOAL_ADMIN_TOKEN']),
    nodeToken: keep(nodeFile, env['SHOAL_NODE_TOKEN']),
    adminFile,
    nodeFile,
  };
}

/**
 * @param {string} file
 * @param {string | undefined} given
 */
function keep(file, given) {
  const kept = given === undefined || given === '' ? readKept(file) : given;
  const token = kept === '' ? randomBytes(32).toString('base64url') : kept;
  try {
    if (token !== readKept(file)) writeFileSync(file, `${token}\n`, { mode: 0o600 });
  } catch (error) {
    throw new UserError(`a token cannot be kept: ${messageOf(error)}`);
  }
  return token;
}

/** @param {string} file */
function readKept(file) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
