import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';

const Owner = z.object({
  pid: z.int().positive(),
  /** When that process started, by the kernel's clock: a pid comes again. Empty where it cannot be known. */
  startedAt: z.string(),
});
type Owner = z.infer<typeof Owner>;

/** Another live process holds the lock. */
export class LockedError extends Error {
  override readonly name = 'LockedError';
  readonly pid: number;

  constructor(path: string, pid: number) {
    super(`another agent (process ${pid}) uses this state folder: ${path}`);
    this.pid = pid;
  }
}

const ATTEMPTS = 5;

/**
 * Takes a lock file that names this process; one whose process is gone is taken over.
 * @returns removes the lock
 * @throws LockedError when another live process holds it
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const mine: Owner = { pid: process.pid, startedAt: await startOf(process.pid) };
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      // A link is made whole or not at all, and never over a file that is there.
      if (await tryLink(draft, path)) return () => rm(path, { force: true });
      await clearStale(path);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new LockedError(path, 0);
}

async function clearStale(path: string): Promise<void> {
  const owner = await readOwner(path);
  if (owner !== null && (await isAlive(owner))) throw new LockedError(path, owner.pid);
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  // Somebody else may have cleared it and taken it in between: then it goes back.
  const moved = await readOwner(aside);
  if (moved !== null && (await isAlive(moved))) await tryLink(aside, path);
  await rm(aside, { force: true });
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function readOwner(path: string): Promise<Owner | null> {
  try {
    return Owner.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}

async function isAlive({ pid, startedAt }: Owner): Promise<boolean> {
  // This process has not taken it yet, so its number comes from an earlier life of the machine.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  const now = await startOf(pid);
  return startedAt === '' || now === '' || startedAt === now;
}

/** Field 22 of /proc/<pid>/stat, with the boot it counts from; empty where there is no /proc. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    // The name in field 2 may hold blanks and brackets; what follows its last bracket is regular.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${boot.trim()}/${ticks}`;
  } catch {
    return '';
  }
}
