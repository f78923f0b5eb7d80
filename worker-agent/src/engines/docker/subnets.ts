import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * Where networks of one task are cut from. Docker's own pools hold about thirty networks, whatever they are used for.
 * Later ones are for machines that have routes into the first.
 */
const POOLS = ['10.83.0.0/16', '10.211.0.0/16', '172.31.0.0/16'] as const;
/** Eight addresses: the gateway, the task and room for what Docker keeps. */
const SLICE_PREFIX = 29;
const SLICE_SIZE = 2 ** (32 - SLICE_PREFIX);

export interface Subnet {
  readonly range: string;
  readonly gateway: string;
}

/** From its first address to its last, both as numbers. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Small subnets that this machine has no way into, each from another place of its pool. Docker knows best whether one
 * overlaps a network of its own: then the next is to be taken. Empty where all pools are in use.
 * @param taken what the machine reaches already
 * @param random a number from 0 up to, but not including, its argument
 */
export function* freeSubnets(
  taken: readonly Span[] = takenSpans(),
  random: (below: number) => number = (below) => randomInt(below),
): Generator<Subnet> {
  for (const pool of POOLS) {
    const { from, to } = spanOf(pool);
    const count = (to - from + 1) / SLICE_SIZE;
    const first = random(count);
    for (let step = 0; step < count; step += 1) {
      const start = from + ((first + step) % count) * SLICE_SIZE;
      const end = start + SLICE_SIZE - 1;
      if (taken.some((span) => span.from <= end && span.to >= start)) continue;
      yield { range: `${addressOf(start)}/${SLICE_PREFIX}`, gateway: addressOf(start + 1) };
    }
  }
}

/** What the machine's routes and interfaces lead to; the route to everywhere is not counted. */
function takenSpans(): Span[] {
  const addresses = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  const own = addresses.flatMap(({ family, cidr }) => (family === 'IPv4' && cidr !== null ? [spanOf(cidr)] : []));
  let routes = '';
  try {
    routes = readFileSync('/proc/net/route', 'utf8');
  } catch {
    // A machine without that file shows its interfaces all the same.
  }
  return [...own, ...readRoutes(routes)];
}

/** @param text as in Linux's `/proc/net/route`, whose numbers stand in the machine's order of bytes: lowest first */
export function readRoutes(text: string): Span[] {
  return text.split('\n').flatMap((line): Span[] => {
    const [, destination = '', , , , , , mask = ''] = line.split('\t');
    if (!/^[0-9A-F]{8}$/i.test(destination) || !/^[0-9A-F]{8}$/i.test(mask)) return [];
    const size = 2 ** 32 - turned(mask);
    return size === 2 ** 32 ? [] : [{ from: turned(destination), to: turned(destination) + size - 1 }];
  });
}

function turned(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE();
}

function spanOf(range: string): Span {
  const [address = '', prefix = ''] = range.split('/');
  if (!isIPv4(address)) throw new Error(`no IPv4 range: ${range}`);
  const size = 2 ** (32 - Number(prefix));
  const at = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const from = at - (at % size);
  return { from, to: from + size - 1 };
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.');
}
