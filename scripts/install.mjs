import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, recordOf } from '../cli/src/process-record.mjs';
import { UserError, say } from '../cli/src/say.mjs';

/** npm's own description of what it installed, and ours of the lock it came from. */
const installedFile = 'node_modules/.package-lock.json';
const stampFile = 'node_modules/.shoal-lock-hash';
const lockFile = '.shoal-install.json';
const waitMs = 10 * 60_000;

/**
 * @typedef {{ packages?: Record<string, { version?: string, optional?: boolean, devOptional?: boolean, link?: boolean }> }} Lock
 */

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Whether everything that the lock asks for is there, in its version. Optional packages are for other platforms too.
 * @param {Lock} wanted
 * @param {Lock} installed
 */
export function matchesLock(wanted, installed) {
  return Object.entries(wanted.packages ?? {}).every(([path, { version, optional, link }]) => {
    if (!path.includes('node_modules/')) return true;
    const there = installed.packages?.[path];
    if (there === undefined) return optional === true;
    return link === true || there.version === version;
  });
}

/** @param {string} root */
function isInstalled(root) {
  const lock = read(join(root, 'package-lock.json'));
  const installed = read(join(root, installedFile));
  if (lock === undefined) throw new UserError('package-lock.json is missing: this is not a whole clone');
  if (installed === undefined) return false;
  const hash = createHash('sha256').update(lock).digest('hex');
  if (read(join(root, stampFile)) === hash) return true;
  if (!matchesLock(JSON.parse(lock), JSON.parse(installed))) return false;
  writeFileSync(join(root, stampFile), hash);
  return true;
}

/** @param {AbortSignal} signal */
function assertWanted(signal) {
  if (signal.aborted) throw new UserError('stopped before the dependencies were installed');
}

/**
 * Waits while another command installs, then holds the lock.
 * @param {string} root
 * @param {AbortSignal} signal
 */
async function takeLock(root, signal) {
  const file = join(root, lockFile);
  const until = Date.now() + waitMs;
  for (let told = false; ; told = true) {
    try {
      writeFileSync(file, JSON.stringify(recordOf(process.pid)), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch {
      const owner = read(file);
      if (owner !== undefined && owner !== '' && !isAlive(JSON.parse(owner))) rmSync(file, { force: true });
      else if (!told) say('Another command is installing the dependencies; waiting for it');
    }
    if (Date.now() > until)
      throw new UserError(`the dependencies are being installed elsewhere for too long; remove ${file}`);
    await sleep(300);
    assertWanted(signal);
  }
}

/**
 * @param {string} root
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>}
 */
function npmCi(root, signal) {
  const npm = process.env['npm_execpath'];
  const [program, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  // Development dependencies are what runs here, whatever NODE_ENV says.
  const args = [...first, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], signal });
  return new Promise((resolve) => {
    // Aborted it is over when it has ended; where it never began there is no end to wait for.
    child.once('error', () => child.pid === undefined && resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

/**
 * Installs the dependencies if they are missing or older than the lock.
 * @param {string} root
 * @param {AbortSignal} [signal] ends the installing
 */
export async function ensureInstalled(root, signal = new AbortController().signal) {
  if (isInstalled(root)) return;
  const giveBack = await takeLock(root, signal);
  try {
    if (isInstalled(root)) return;
    say('Installing dependencies (npm ci; about a minute, once)');
    const isDone = await npmCi(root, signal);
    assertWanted(signal);
    if (!isDone || !isInstalled(root)) throw new UserError('npm ci failed; what it says is above');
  } finally {
    giveBack();
  }
}
