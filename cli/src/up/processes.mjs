import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A process that cannot be confused with a later one of the same pid.
 * @typedef {{ readonly pid: number, readonly started: string }} ProcessRecord
 */

const onLinux = process.platform === 'linux';

/**
 * Fields of /proc/<pid>/stat after the command name, which may hold spaces and parentheses.
 * @param {number | string} pid
 * @returns {string[] | undefined}
 */
function statFields(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** @param {string[]} args */
function ps(args) {
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
export function startedAt(pid) {
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

/**
 * @param {number} parent
 * @returns {number[]}
 */
export function childrenOf(parent) {
  if (!onLinux) {
    const rows = ps(['-axo', 'pid=,ppid=']).split('\n');
    return rows
      .map((row) => row.trim().split(/\s+/).map(Number))
      .flatMap(([pid, ppid]) => (pid && ppid === parent ? [pid] : []));
  }
  return otherPids().filter((pid) => statFields(pid)?.[1] === String(parent));
}

/**
 * Arguments of a process joined by spaces; empty when it is gone or not on Linux.
 * @param {number} pid
 */
export function commandLineOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** @returns {number[]} all but this one */
function otherPids() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => pid !== process.pid);
}

/**
 * Processes whose arguments name a path that is only ours. Linux only.
 * @param {string} text
 * @returns {number[]}
 */
export function processesNaming(text) {
  if (!onLinux) return [];
  return otherPids().filter((pid) => commandLineOf(pid).includes(text));
}

/**
 * Processes that were started with this in their environment, or by one that was. Linux only.
 * @param {string} name
 * @param {string} value
 * @returns {number[]}
 */
export function processesWithin(name, value) {
  if (!onLinux) return [];
  return otherPids().filter((pid) => environmentOf(pid).includes(`${name}=${value}`));
}

/**
 * @param {number} pid
 * @returns {string[]} none where it is gone, or another user's
 */
function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/**
 * @param {ProcessRecord} record
 * @param {NodeJS.Signals} signal
 */
export function signalTo(record, signal) {
  if (!isAlive(record)) return;
  try {
    process.kill(record.pid, signal);
  } catch {
    // Gone in between, or not ours to end.
  }
}

/**
 * @param {ProcessRecord} record
 * @param {number} withinMs
 */
export async function waitForEnd(record, withinMs) {
  const until = Date.now() + withinMs;
  while (isAlive(record)) {
    if (Date.now() >= until) return false;
    await sleep(50);
  }
  return true;
}

/**
 * Asks a process to end, and ends it when it does not within the grace.
 * @param {ProcessRecord} record
 * @param {number} graceMs 0: at once
 */
export async function endProcess(record, graceMs) {
  if (graceMs > 0) {
    signalTo(record, 'SIGTERM');
    if (await waitForEnd(record, graceMs)) return;
  }
  signalTo(record, 'SIGKILL');
  await waitForEnd(record, 5_000);
}
