import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU in hundredths of a second, whatever the kernel's own tick is. */
const MS_PER_TICK = 10;

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its own ticks. */
  readonly own: number;
  /** Of children that ended and were waited for. */
  readonly ended: number;
}

/**
 * Reads /proc/<pid>/stat. The command's name, in parentheses, may hold anything.
 * @returns null for what is no such line
 */
export function parseStat(text: string): Process | null {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [, parent, user, system, endedUser, endedSystem] = [0, 1, 11, 12, 13, 14].map((i) => fields[i] ?? Number.NaN);
  const pid = Number.parseInt(text, 10);
  if (parent === undefined || user === undefined || system === undefined) return null;
  const ended = (endedUser ?? 0) + (endedSystem ?? 0);
  return [pid, parent, user, system, ended].some(Number.isNaN) ? null : { pid, parent, own: user + system, ended };
}

/** Ticks that any process used, of all cores, from the first line of /proc/stat. Time stolen by other machines counts. */
export function parseBusy(text: string): number {
  const line = /^cpu +(.*)$/m.exec(text)?.[1] ?? '';
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] = line
    .split(' ')
    .map(Number);
  return user + nice + system + interrupts + softInterrupts + stolen;
}

/** CPU that a process has used with all its threads, ms; NaN when it is gone or the system does not tell. */
export function cpuMsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return (parseStat(stat)?.own ?? Number.NaN) * MS_PER_TICK;
}

/** Resident memory of a process, MB; NaN when it is gone or the system does not tell. */
export function memoryMbOf(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1];
  return kib === undefined ? Number.NaN : (Number(kib) * 1024) / 1e6;
}

/** CPU of a process and all below it, ended ones included, in ticks. */
function ticksBelow(root: number): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const all = pids.flatMap((pid) => parseStat(read(`/proc/${pid}/stat`)) ?? []);
  const below = new Map<number, Process[]>();
  for (const one of all) below.set(one.parent, [...(below.get(one.parent) ?? []), one]);
  const sum = ({ pid, own, ended }: Process): number =>
    own + ended + (below.get(pid) ?? []).reduce((ticks, child) => ticks + sum(child), 0);
  const first = all.find(({ pid }) => pid === root);
  return first === undefined ? 0 : sum(first);
}

/** How many cores others than this process and its children kept busy, on average, between two looks. */
export class OthersLoad {
  #at = performance.now();
  #busy = 0;
  #ours = 0;

  constructor() {
    this.#look();
  }

  /** Since the last look; null where the system does not tell. */
  look(): number | null {
    const before = { at: this.#at, busy: this.#busy, ours: this.#ours };
    this.#look();
    if (process.platform !== 'linux') return null;
    const ticks = this.#busy - before.busy - (this.#ours - before.ours);
    return Math.max(0, (ticks * MS_PER_TICK) / (this.#at - before.at));
  }

  #look(): void {
    if (process.platform !== 'linux') return;
    this.#at = performance.now();
    this.#busy = parseBusy(read('/proc/stat'));
    this.#ours = ticksBelow(process.pid);
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
