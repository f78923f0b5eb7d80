import { expect, test } from 'vitest';
import { freeSubnets, readRoutes } from './subnets.ts';

const first = (taken: Parameters<typeof freeSubnets>[0]) => freeSubnets(taken, () => 0).next().value?.range;
const route = (destination: string, mask: string) =>
  readRoutes(`Iface\tDestination\tGateway\tFlags\nx\t${destination}\t0\t1\t0\t0\t0\t${mask}\t0\t0\t0\n`);

test('a pool is cut into networks of eight addresses, from any place of it and round to where it began', () => {
  const all = [...freeSubnets([], (below) => below - 1)].map(({ range }) => range);
  expect(all.slice(0, 3)).toEqual(['10.83.255.248/29', '10.83.0.0/29', '10.83.0.8/29']);
  expect(new Set(all).size).toBe(3 * 8192);
});

test('what the machine has a route to is left out, and a route to everywhere counts for nothing', () => {
  expect(first(route('00000000', '00000000'))).toBe('10.83.0.0/29');
  expect(first(route('0000530A', 'FCFFFFFF'))).toBe('10.83.0.8/29');
  expect(first(route('0000530A', '0000FFFF'))).toBe('10.211.0.0/29');
  expect(first(route('0000000A', '000000FF'))).toBe('172.31.0.0/29');
  expect(first([...route('0000000A', '000000FF'), ...route('000010AC', '0000F0FF')])).toBeUndefined();
});
