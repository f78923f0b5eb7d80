import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../say.mjs';

export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const stateFolderName = '.shoal';

/** What `src/env.ts` lets an operator set; the secrets of a closed installation are in `secrets.mjs`. */
const workerSettings = [
  'SHOAL_ALLOWED_ORIGINS',
  'SHOAL_NODE_APPROVAL',
  'DEFAULT_QUEUE_TIMEOUT',
  'RETENTION_DAYS',
  'NODE_RETENTION_DAYS',
  'D1_MAX_BYTES',
  'SHOAL_RATE_LIMIT',
];
const anyHost = /^[0-9a-zA-Z.:-]+$/;

/**
 * @typedef {object} StartConfig
 * @property {string} host the address to listen at; other than 127.0.0.1 only when closed
 * @property {boolean} closed SHOAL_AUTH=required: callers and agents need credentials
 * @property {number} port
 * @property {string} state absolute
 * @property {number} agents
 * @property {boolean} docker false: SHOAL_DOCKER=off
 * @property {Readonly<Record<string, string>>} settings of the Worker, handed on as they are
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
 * @param {string} name
 * @param {string | undefined} value
 * @returns {[string, string][]}
 */
const pairOf = (name, value) => (value === undefined ? [] : [[name, value]]);

/**
 * Who may reach the installation. An open one runs anybody's containers, so it stays on loopback.
 * @param {Readonly<Record<string, string | undefined>>} env
 */
function reach(env) {
  const auth = env['SHOAL_AUTH'] ?? '';
  const host = env['SHOAL_HOST'] ?? '127.0.0.1';
  if (auth !== '' && auth !== 'required') throw new UserError(`SHOAL_AUTH=${auth}: give required, or leave it out`);
  if (!anyHost.test(host)) throw new UserError(`SHOAL_HOST=${host}: give an address of this machine, such as 0.0.0.0`);
  const closed = auth === 'required';
  if (host !== '127.0.0.1' && !closed) {
    throw new UserError(
      `SHOAL_HOST=${host}: without credentials only 127.0.0.1 is served; set SHOAL_AUTH=required as well`,
    );
  }
  return { host, closed };
}

/**
 * @param {Readonly<Record<string, string | undefined>>} env
 * @param {readonly string[]} args
 * @returns {StartConfig}
 */
export function startConfig(env, args) {
  const docker = env['SHOAL_DOCKER'] ?? 'on';
  if (docker !== 'on' && docker !== 'off') throw new UserError(`SHOAL_DOCKER=${docker}: give on or off`);
  return {
    ...reach(env),
    port: wholeNumber('SHOAL_PORT', env['SHOAL_PORT'] ?? '1234', { min: 1, max: 65_535 }),
    state: stateFolder(env),
    agents: agentCount(args),
    docker: docker === 'on',
    settings: Object.fromEntries(workerSettings.flatMap((name) => pairOf(name, env[name]))),
  };
}
