import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isAlive, recordOf, type ProcessRecord } from './processes.ts';
import { UserError } from '../say.mjs';

const marker = 'shoal-state.json';
const lock = 'running.json';
const records = 'processes.json';

export function isStateFolder(folder: string) {
  return existsSync(join(folder, marker));
}

/**
 * Makes the folder and those above it. Node's own way of doing so never returns where nothing can be made, as in /proc.
 * @param folder absolute
 */
function makeFolder(folder: string) {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/** Makes the folder and marks it as Shoal's; refuses one that holds something else. */
export function openState(folder: string) {
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

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function writeJson(file: string, value: unknown) {
  writeFileSync(`${file}.new`, `${JSON.stringify(value)}\n`);
  renameSync(`${file}.new`, file);
}

function isRecord(value: unknown): value is ProcessRecord {
  return typeof value === 'object' && value !== null && 'pid' in value && 'started' in value;
}

/** The launcher that uses the folder, if one does. */
export function userOf(folder: string): ProcessRecord | undefined {
  const owner = readJson(join(folder, lock));
  return isRecord(owner) && isAlive(owner) ? owner : undefined;
}

/**
 * Takes the folder for this process.
 * @returns gives it back
 */
export function lockState(folder: string): () => void {
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

/** What a launcher started from this folder, by name; kept on disk so that a later one can end what was left. */
export function readRecords(folder: string): Record<string, ProcessRecord> {
  const stored = readJson(join(folder, records));
  if (typeof stored !== 'object' || stored === null) return {};
  return Object.fromEntries(Object.entries(stored).filter(([, value]) => isRecord(value)));
}

/** @param pid undefined: forget it */
export function keepRecord(folder: string, name: string, pid: number | undefined): ProcessRecord | undefined {
  const { [name]: _, ...rest } = readRecords(folder);
  const record = pid === undefined ? undefined : recordOf(pid);
  writeJson(join(folder, records), record === undefined ? rest : { ...rest, [name]: record });
  return record;
}
