import { expect, test } from 'vitest';
import { AddressPolicy, isRange } from './addresses.ts';

const policy = new AddressPolicy([]);

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '224.0.0.1',
  '255.255.255.255',
  '0.0.0.0',
  '::1',
  '::',
  '::ffff:10.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::a00:1',
  '2002:a00:1::',
  'fd00::1',
  'fe80::1',
  'ff02::1',
  'no address',
])('%s is not reached', (address) => {
  expect(policy.allows(address)).toBe(false);
});

test.each(['8.8.8.8', '172.32.0.1', '1.1.1.1', '2606:4700:4700::1111'])('%s is', (address) => {
  expect(policy.allows(address)).toBe(true);
});

test('the owner opens ranges, and no more than those', () => {
  const opened = new AddressPolicy(['192.168.7.0/24', 'fd00:7::/32']);
  expect(['192.168.7.9', '192.168.8.9', 'fd00:7::1', 'fd00:8::1'].map((one) => opened.allows(one))).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

test('an opened range does not open the machine in it, one address does', () => {
  const own = ['192.168.7.2', '203.0.114.5', 'fd00:7::2', 'fe80::1'];
  const of = (...ranges: string[]) => new AddressPolicy(ranges, () => own);
  const wide = of('192.168.7.0/24', 'fd00:7::/32', '127.0.0.0/8', '0.0.0.0/0', '::/0');
  expect(['192.168.7.9', 'fd00:7::9'].every((one) => wide.allows(one))).toBe(true);
  expect([...own, '127.0.0.1', '0.0.0.0', '::1', '::', '::ffff:127.0.0.1'].some((one) => wide.allows(one))).toBe(false);
  // Also where no range is opened: a machine's public address is the machine.
  expect(of().allows('203.0.114.5')).toBe(false);
  const single = of('192.168.7.2/32', 'fd00:7::2/128', '127.0.0.1/32');
  expect(['192.168.7.2', 'fd00:7::2', '127.0.0.1'].every((one) => single.allows(one))).toBe(true);
});

test('ranges are told from what is none', () => {
  expect(['10.0.0.0/8', 'fd00::/8', '0.0.0.0/0'].every(isRange)).toBe(true);
  expect(['10.0.0.0', '10.0.0.0/33', 'x/8', '10.0.0.0/8/8', '10.0.0.0/-1'].some(isRange)).toBe(false);
});
