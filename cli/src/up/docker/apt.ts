import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { say } from '../../say.mjs';

/** Of what apt-get says when it fails. */
const complaintLines = 8;

export function findProgram(program: string) {
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
 * @returns whether it went well
 */
export function aptGet(args: readonly string[], cwd?: string): Promise<boolean> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = ['-qq', '-o', 'DPkg::Lock::Timeout=120', '-o', 'APT::Sandbox::User=root'];
  const child = spawn('apt-get', [...options, ...args], { env, cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (text) => (complaints += text));
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', (code) => {
      if (code !== 0) say(complaints.trim().split('\n').slice(-complaintLines).join('\n'));
      resolve(code === 0);
    });
  });
}
