import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../say.mjs';
import type { Settings } from './settings.ts';

export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const stateFolderName = '.shoal';

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

/** Who may reach the installation. An open one runs anybody's containers, so it stays on loopback. */
function reach(host: string, closed: boolean) {
  if (host !== '127.0.0.1' && !closed) {
    throw new UserError(
      `SHOAL_HOST=${host}: without credentials only 127.0.0.1 is served; set SHOAL_AUTH=required as well`,
    );
  }
  return { host, closed };
}

export function startConfig(
  env: Readonly<Record<string, string | undefined>>,
  { own, worker }: Settings,
  args: readonly string[],
): StartConfig {
  return {
    ...reach(own.host ?? '127.0.0.1', worker.closed),
    port: own.port ?? 1234,
    state: stateFolder(env),
    agents: agentCount(args),
    docker: own.docker !== 'off',
  };
}
