import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../say.mjs';

export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const stateFolderName = '.shoal';

/** What `src/env.ts` lets an operator set; the secrets of a closed installation are in `secrets.ts`. */
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

export interface StartConfig {
  /** The address to listen at; other than 127.0.0.1 only when closed. */
  readonly host: string;
  /** SHOAL_AUTH=required: callers and agents need credentials. */
  readonly closed: boolean;
  readonly port: number;
  /** Absolute. */
  readonly state: string;
  readonly agents: number;
  /** False: SHOAL_DOCKER=off. */
  readonly docker: boolean;
  /** Of the Worker, handed on as they are. */
  readonly settings: Readonly<Record<string, string>>;
}

function wholeNumber(name: string, given: string, { min, max }: { min: number; max: number }) {
  const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UserError(`${name}=${given}: give a whole number from ${min} to ${max}`);
}

export function stateFolder(env: Readonly<Record<string, string | undefined>>) {
  const given = env['SHOAL_STATE'];
  if (given === '') throw new UserError('SHOAL_STATE is empty: give a folder, or leave it out for .shoal');
  return given === undefined ? join(root, stateFolderName) : resolve(given);
}

function agentCount(args: readonly string[]) {
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

const pairOf = (name: string, value: string | undefined): [string, string][] =>
  value === undefined ? [] : [[name, value]];

/** Who may reach the installation. An open one runs anybody's containers, so it stays on loopback. */
function reach(env: Readonly<Record<string, string | undefined>>) {
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

export function startConfig(env: Readonly<Record<string, string | undefined>>, args: readonly string[]): StartConfig {
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
