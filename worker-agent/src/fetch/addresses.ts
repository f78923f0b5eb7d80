import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** What is not the public internet: the owner's machine and network, and addresses that only look like others. */
export const CLOSED_RANGES = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const;

/** IPv6 that tunnels or maps IPv4 is closed as a whole: what is inside it cannot be told by its address. */
const CLOSED_RANGES_6 = [
  '::/96',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
] as const;

type Family = 'ipv4' | 'ipv6';

/** Of every machine, and what "no address" leads to: itself. */
const ITSELF = [
  ['127.0.0.0', 8],
  ['0.0.0.0', 8],
  ['::', 127],
] as const;

/**
 * Tells addresses that may be reached on a task's behalf from the owner's own. A range that is opened does not open the
 * machine itself, which is part of its network: its addresses are opened one by one.
 */
export class AddressPolicy {
  // Apart by family: a list takes every IPv4 address for one in the range of mapped ones.
  readonly #closed = { ipv4: listOf(CLOSED_RANGES), ipv6: listOf(CLOSED_RANGES_6) };
  readonly #opened: Readonly<Record<Family, BlockList>>;
  readonly #openedAlone: Readonly<Record<Family, BlockList>>;
  readonly #ownAddresses: () => readonly string[];

  /**
   * @param opened ranges in CIDR notation that the owner opens all the same
   * @param ownAddresses of this machine, beside its loopback ones; asked each time, as they change
   */
  constructor(opened: readonly string[], ownAddresses: () => readonly string[] = addressesOfMachine) {
    const of = (ranges: readonly string[]): Readonly<Record<Family, BlockList>> => ({
      ipv4: listOf(ranges.filter((range) => familyOfRange(range) === 'ipv4')),
      ipv6: listOf(ranges.filter((range) => familyOfRange(range) === 'ipv6')),
    });
    this.#opened = of(opened);
    this.#openedAlone = of(opened.filter(isSingle));
    this.#ownAddresses = ownAddresses;
  }

  allows(address: string): boolean {
    const family = familyOf(address);
    if (family === null) return false;
    if (this.#openedAlone[family].check(address, family)) return true;
    if (this.#isOwn(address, family)) return false;
    return this.#opened[family].check(address, family) || !this.#closed[family].check(address, family);
  }

  #isOwn(address: string, family: Family): boolean {
    const own = new BlockList();
    // Both families: a mapped address is found among the IPv4 ones.
    for (const one of this.#ownAddresses()) own.addAddress(one, familyOf(one) ?? 'ipv4');
    for (const [range, prefix] of ITSELF) own.addSubnet(range, prefix, familyOf(range) ?? 'ipv4');
    return own.check(address, family);
  }
}

/** True for a range of one address. */
export function isSingle(range: string): boolean {
  return range.endsWith(familyOfRange(range) === 'ipv4' ? '/32' : '/128');
}

/** True for `10.0.0.0/8`, `fd00::/8` and the like. */
export function isRange(text: string): boolean {
  const [address = '', prefix = '', ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0 || !/^\d{1,3}$/.test(prefix)) return false;
  return Number(prefix) <= (family === 4 ? 32 : 128);
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix = ''] = range.split('/');
    list.addSubnet(address, Number(prefix), familyOf(address) ?? 'ipv4');
  }
  return list;
}

function addressesOfMachine(): string[] {
  return Object.values(networkInterfaces()).flatMap((some) => (some ?? []).map(({ address }) => address));
}

function familyOfRange(range: string): Family | null {
  return familyOf(range.split('/')[0] ?? '');
}

function familyOf(address: string): Family | null {
  const family = isIP(address);
  if (family === 0) return null;
  return family === 4 ? 'ipv4' : 'ipv6';
}
