import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @param {string} program */
export function findProgram(program) {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

export function isRoot() {
  return process.getuid?.() === 0;
}

export function hasApt() {
  return existsSync('/etc/debian_version') && findProgram('apt-get') !== undefined;
}

/**
 * Runs apt-get without questions; waits for another one that holds the lock.
 * @param {readonly string[]} args
 * @param {string} [cwd]
 * @returns {Promise<boolean>} whether it went well
 */
export function aptGet(args, cwd) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const child = spawn('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env,
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
