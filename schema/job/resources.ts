import { badRequest } from '../errors.ts';
import { MAX_AMOUNT_CHARS } from '../limits.ts';
import { problemText, shown } from '../problems.ts';
import type { Resources, ResourcesConfig } from './job.ts';

/**
 * Amounts of a task as text. Parsed after `normaliseAmount`, so `512 Mb` and `512mb` are the same, and an upper-case `M`
 * of CPU means milli, as in Bacalhau.
 * @see Bacalhau pkg/models/resource.go; Kubernetes quantities; go-humanize bytes
 */

/** Lower-case and without blanks: how amounts are stored. */
export function normaliseAmount(text: string): string {
  return text.replaceAll(/\s/g, '').toLowerCase();
}

/** What each amount comes to, and a message for each one that cannot be read (which then counts as 0). */
export function readResources(config: ResourcesConfig): { resources: Resources; problems: string[] } {
  const problems: string[] = [];
  const read = (text: string | undefined, name: string, parse: (text: string) => number | null): number => {
    const normal = normaliseAmount(text ?? '');
    if (normal === '') return 0;
    // What reads an amount takes as long as the square of a long text.
    const amount = normal.length > MAX_AMOUNT_CHARS ? null : parse(normal);
    if (amount === null) problems.push(`invalid ${name} value: ${shown(text ?? '')}`);
    return amount ?? 0;
  };
  const resources = {
    cpu: read(config.CPU, 'CPU', parseCpu),
    memory: read(config.Memory, 'memory', parseBytes),
    disk: read(config.Disk, 'disk', parseBytes),
    gpu: read(config.GPU, 'GPU', parseWhole),
  };
  return { resources, problems };
}

/** @throws ShoalError 400 naming every amount that cannot be read */
export function parseResources(config: ResourcesConfig): Resources {
  const { resources, problems } = readResources(config);
  if (problems.length > 0) throw badRequest(problemText(problems));
  return resources;
}

const MAX_CORES = 1e9;
const cpuFactor: Readonly<Record<string, number>> = { n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3 };

/** A Kubernetes quantity in lower case, as cores: `100m`, `0.5`, `2`, `1e3`. Null when it is none or negative. */
function parseCpu(text: string): number | null {
  const match = /^\+?(\d+\.?\d*|\.\d+)(?:([numk]?)|(e[+-]?\d{1,3}))$/.exec(text);
  if (match === null) return null;
  const [, digits = '', suffix = '', exponent = ''] = match;
  // Through whole milli-units where that is possible: 0.001 times 100 is not 0.1 in binary.
  const amount = suffix === 'm' ? Number(digits) / 1000 : Number(`${digits}${exponent}`) * (cpuFactor[suffix] ?? 1);
  return Number.isFinite(amount) && amount <= MAX_CORES ? amount : null;
}

const byteFactor: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  p: 1e15,
  e: 1e18,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
  pi: 2 ** 50,
  ei: 2 ** 60,
};

/** `512mb`, `512mib`, `1.5g`, `1gi`, `1,024`; a bare number is bytes. Null when it is none or over 2^53. */
function parseBytes(text: string): number | null {
  const match = /^([\d,]*\.?\d*)((?:[kmgtpe]i?)?)b?$/.exec(text);
  if (match === null) return null;
  const [, given = '', unit = ''] = match;
  const digits = given.replaceAll(',', '');
  if (!/\d/.test(digits)) return null;
  const amount = Math.floor(Number(digits) * (byteFactor[unit] ?? 1));
  return Number.isSafeInteger(amount) ? amount : null;
}

/** Digits alone. */
function parseWhole(text: string): number | null {
  const amount = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(amount) ? amount : null;
}
