import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError, messageOf } from '../say.mjs';

/**
 * What callers and agents of a closed installation show. Each is in a file that only its owner can read, so that a
 * command can name the file instead of the value.
 */
export interface Secrets {
  readonly adminToken: string;
  readonly nodeToken: string;
  readonly adminFile: string;
  readonly nodeFile: string;
}

/** Those of the environment; what it lacks is made once and kept in the state folder. */
export function readSecrets(state: string, env: Readonly<Record<string, string | undefined>>): Secrets {
  const adminFile = join(state, 'admin-token');
  const nodeFile = join(state, 'node-token');
  return {
    adminToken: keep(adminFile, env['SHOAL_ADMIN_TOKEN']),
    nodeToken: keep(nodeFile, env['SHOAL_NODE_TOKEN']),
    adminFile,
    nodeFile,
  };
}

function keep(file: string, given: string | undefined) {
  const kept = given === undefined || given === '' ? readKept(file) : given;
  const token = kept === '' ? randomBytes(32).toString('base64url') : kept;
  try {
    if (token !== readKept(file)) writeFileSync(file, `${token}\n`, { mode: 0o600 });
  } catch (error) {
    throw new UserError(`a token cannot be kept: ${messageOf(error)}`);
  }
  return token;
}

function readKept(file: string) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
