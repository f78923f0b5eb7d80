/** Who a process is. Plain JavaScript, as it is needed before anything is installed. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * A process that cannot be confused with a later one of the same pid.
 * @typedef {{ readonly pid: number, readonly started: string }} ProcessRecord
 */

const onLinux = process.platform === 'linux';

/**
 * Fields of /proc/<pid>/stat after the command name, which may hold spaces and parentheses. Linux only.
 * @param {number | string} pid
 * @returns {string[] | undefined}
 */
export function statFields(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/**
 * @param {string[]} args
 * @returns {string} what ps says; empty where it finds nothing
 */
export function ps(args) {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

/** Start times count from the boot, so that a boot belongs to them. */
function bootId() {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * When the process started, as text that only it has; undefined when there is none (a zombie is none).
 * @param {number} pid
 */
function startedAt(pid) {
  if (!onLinux) return ps(['-o', 'lstart=', '-p', String(pid)]) || undefined;
  const fields = statFields(pid);
  if (fields === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return `${bootId()}:${fields[19]}`;
}

/**
 * @param {number} pid
 * @returns {ProcessRecord | undefined}
 */
export function recordOf(pid) {
  const started = startedAt(pid);
  return started === undefined ? undefined : { pid, started };
}

/** @param {ProcessRecord} record */
export function isAlive(record) {
  return startedAt(record.pid) === record.started;
}
