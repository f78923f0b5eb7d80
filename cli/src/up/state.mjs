import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isAlive, recordOf } from './processes.mjs';
import { UserError } from '../say.mjs';

/** @typedef {import('./processes.mjs').ProcessRecord} ProcessRecord */

const marker = 'shoal-state.json';
const lock = 'running.json';
const records = 'processes.json';

/** @param {string} folder */
export function isStateFolder(folder) {
  return existsSync(join(folder, marker));
}

/**
 * Makes the folder and those above it. Node's own way of doing so never returns where nothing can be made, as in /proc.
 * @param {string} folder absolute
 */
function makeFolder(folder) {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/**
 * Makes the folder and marks it as Shoal's; refuses one that holds something else.
 * @param {string} folder
 */
export function openState(folder) {
  try {
    makeFolder(folder);
    if (isStateFolder(folder)) return;
    if (readdirSync(folder).length > 0) {
      throw new UserError(`SHOAL_STATE=${folder}: the folder holds something else; name an empty or a new folder`);
    }
    writeFileSync(join(folder, marker), `${JSON.stringify({ what: 'state of Shoal', format: 1 })}\n`);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`SHOAL_STATE=${folder}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * @param {string} file
 * @returns {unknown}
 */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * @param {string} file
 * @param {unknown} value
 */
function writeJson(file, value) {
  writeFileSync(`${file}.new`, `${JSON.stringify(value)}\n`);
  renameSync(`${file}.new`, file);
}

/**
 * @param {unknown} value
 * @returns {value is ProcessRecord}
 */
function isRecord(value) {
  return typeof value === 'object' && value !== null && 'pid' in value && 'started' in value;
}

/**
 * The launcher that uses the folder, if one does.
 * @param {string} folder
 * @returns {ProcessRecord | undefined}
 */
export function userOf(folder) {
  const owner = readJson(join(folder, lock));
  return isRecord(owner) && isAlive(owner) ? owner : undefined;
}

/**
 * Takes the folder for this process.
 * @param {string} folder
 * @returns {() => void} gives it back
 */
export function lockState(folder) {
  const file = join(folder, lock);
  const owner = userOf(folder);
  if (owner !== undefined) {
    throw new UserError(
      `state folder ${folder} is in use by process ${owner.pid}; stop it, or choose another with SHOAL_STATE`,
    );
  }
  rmSync(file, { force: true });
  try {
    writeFileSync(file, JSON.stringify(recordOf(process.pid)), { flag: 'wx' });
  } catch {
    throw new UserError(
      `state folder ${folder} is being taken by another process; stop it, or choose another with SHOAL_STATE`,
    );
  }
  return () => rmSync(file, { force: true });
}

/**
 * What a launcher started from this folder, by name; kept on disk so that a later one can end what was left.
 * @param {string} folder
 * @returns {Record<string, ProcessRecord>}
 */
export function readRecords(folder) {
  const stored = readJson(join(folder, records));
  if (typeof stored !== 'object' || stored === null) return {};
  return Object.fromEntries(Object.entries(stored).filter(([, value]) => isRecord(value)));
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {number | undefined} pid undefined: forget it
 * @returns {ProcessRecord | undefined}
 */
export function keepRecord(folder, name, pid) {
  const { [name]: _, ...rest } = readRecords(folder);
  const record = pid === undefined ? undefined : recordOf(pid);
  writeJson(join(folder, records), record === undefined ? rest : { ...rest, [name]: record });
  return record;
}
