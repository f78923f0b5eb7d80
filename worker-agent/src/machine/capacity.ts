import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Resources } from '@shoal/schema/job/job';

/** A part of the machine, or an amount: cores or bytes. */
export type Share = { readonly percent: number } | { readonly amount: number };

export interface Shares {
  readonly cpu: Share;
  readonly memory: Share;
  readonly disk: Share;
}

/**
 * What the machine has: cores that this process may use, memory that it may use, bytes free on the disk of `path`.
 * @see Bacalhau pkg/compute/capacity/system
 */
export async function measureMachine(path: string, gpu = 0): Promise<Resources> {
  const { bavail, bsize } = await statfs(path);
  const total = totalmem();
  const limit = process.constrainedMemory();
  // Without a limit the kernel answers 0 or a number beyond all memory.
  const memory = limit > 0 && limit < total ? limit : total;
  return { cpu: availableParallelism(), memory, disk: bavail * bsize, gpu };
}

/**
 * The most that an amount may be: what the whole machine has, whatever of it this process may use, for tasks are not in its
 * limits. The disk counts with what is on it, or an agent whose tasks have filled it could not start again.
 */
export async function measureWhole(path: string): Promise<Omit<Resources, 'gpu'>> {
  const { blocks, bsize } = await statfs(path);
  return { cpu: Math.max(cpus().length, availableParallelism()), memory: totalmem(), disk: blocks * bsize };
}

/** The part of the machine that tasks may use. */
export function offered(machine: Resources, shares: Shares): Resources {
  return {
    // Thousandths of a core are as fine as tasks can ask.
    cpu: Math.round(take(machine.cpu, shares.cpu) * 1000) / 1000,
    memory: Math.floor(take(machine.memory, shares.memory)),
    disk: Math.floor(take(machine.disk, shares.disk)),
    gpu: machine.gpu,
  };
}

function take(all: number, share: Share): number {
  return 'percent' in share ? (all * share.percent) / 100 : share.amount;
}

/** Go's names, which Bacalhau's labels and clients use. */
export function platform(): { os: string; arch: string } {
  const arches: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  return { os: process.platform, arch: arches[process.arch] ?? process.arch };
}
