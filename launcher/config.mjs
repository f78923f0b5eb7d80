import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from './say.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const stateFolderName = '.shoal';

/**
 * @typedef {object} StartConfig
 * @property {string} host the address to listen at; other than 127.0.0.1 only when closed
 * @property {boolean} closed SHOAL_AUTH=required: callers and agents need credentials
 * @property {number} port
 * @property {string} state absolute
 * @property {number} agents
 * @property {boolean} docker false: SHOAL_DOCKER=off
 */

/**
 * @param {string} name
 * @param {string} given
 * @param {{ min: number, max: number }} range
 */
function wholeNumber(name, given, { min, max }) {
  const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UserError(`${name}=${given}: give a whole number from ${min} to ${max}`);
}

/** @param {Readonly<Record<string, string | undefined>>} env */
export function stateFolder(env) {
  const given = env['SHOAL_STATE'];
  if (given === '') throw new UserError('SHOAL_STATE is empty: give a folder, or leave it out for .shoal');
  return given === undefined ? join(root, stateFolderName) : resolve(given);
}

/** @param {readonly string[]} args */
function agentCount(args) {
  let count = 1;
  const rest = [...args];
  while (rest.length > 0) {
    const word = rest.shift() ?? '';
    if (word === '--agents') count = wholeNumber('--agents', rest.shift() ?? '', { min: 1, max: 32 });
    else if (word.startsWith('--agents=')) count = wholeNumber('--agents', word.slice(9), { min: 1, max: 32 });
    else if (word !== '--') throw new UserError(`unknown argument ${word}: npm start takes only -- --agents N`);
  }
  return count;
}

/**
 * Who may reach the installation. An open one runs anybody's containers, so it stays on loopback.
 * @param {string} host
 * @param {boolean} closed
 */
function reach(host, closed) {
  if (host !== '127.0.0.1' && !closed) {
    throw new UserError(
      `SHOAL_HOST=${host}: without credentials only 127.0.0.1 is served; set SHOAL_AUTH=required as well`,
    );
  }
  return { host, closed };
}

/**
 * @param {Readonly<Record<string, string | undefined>>} env
 * @param {import('./settings.mjs').Settings} settings
 * @param {readonly string[]} args
 * @returns {StartConfig}
 */
export function startConfig(env, { own, worker }, args) {
  return {
    ...reach(own.host ?? '127.0.0.1', worker.closed),
    port: own.port ?? 1234,
    state: stateFolder(env),
    agents: agentCount(args),
    docker: own.docker !== 'off',
  };
}
