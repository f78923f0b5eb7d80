import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, ps, recordOf, statFields, type ProcessRecord } from '../process-record.mjs';

export { isAlive, recordOf, type ProcessRecord };

const onLinux = process.platform === 'linux';

export function childrenOf(parent: number): number[] {
  if (!onLinux) {
    const rows = ps(['-axo', 'pid=,ppid=']).split('\n');
    return rows
      .map((row) => row.trim().split(/\s+/).map(Number))
      .flatMap(([pid, ppid]) => (pid && ppid === parent ? [pid] : []));
  }
  return otherPids().filter((pid) => statFields(pid)?.[1] === String(parent));
}

/** Arguments of a process joined by spaces; empty when it is gone or not on Linux. */
export function commandLineOf(pid: number) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** @returns all but this one */
function otherPids(): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => pid !== process.pid);
}

/** Processes whose arguments name a path that is only ours. Linux only. */
export function processesNaming(text: string): number[] {
  if (!onLinux) return [];
  return otherPids().filter((pid) => commandLineOf(pid).includes(text));
}

/** Processes that were started with this in their environment, or by one that was. Linux only. */
export function processesWithin(name: string, value: string): number[] {
  if (!onLinux) return [];
  return otherPids().filter((pid) => environmentOf(pid).includes(`${name}=${value}`));
}

/** @returns none where it is gone, or another user's */
function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

export function signalTo(record: ProcessRecord, signal: NodeJS.Signals) {
  if (!isAlive(record)) return;
  try {
    process.kill(record.pid, signal);
  } catch {
    // Gone in between, or not ours to end.
  }
}

export async function waitForEnd(record: ProcessRecord, withinMs: number) {
  const until = Date.now() + withinMs;
  while (isAlive(record)) {
    if (Date.now() >= until) return false;
    await sleep(50);
  }
  return true;
}

/**
 * Asks a process to end, and ends it when it does not within the grace.
 * @param graceMs 0: at once
 */
export async function endProcess(record: ProcessRecord, graceMs: number) {
  if (graceMs > 0) {
    signalTo(record, 'SIGTERM');
    if (await waitForEnd(record, graceMs)) return;
  }
  signalTo(record, 'SIGKILL');
  await waitForEnd(record, 5_000);
}
