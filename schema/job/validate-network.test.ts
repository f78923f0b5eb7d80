import { describe, expect, test } from 'vitest';
import { validateNetwork } from './validate-network.ts';

describe('the address of a host network', () => {
  const problems = (HostNetwork: string) =>
    validateNetwork({ Type: 'Host', Ports: [{ Name: 'a', HostNetwork }] }).filter((text) =>
      text.includes('IP address'),
    );

  test.each([
    '1.2.3.4',
    '255.255.255.255',
    '::',
    '::1',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '2001:DB8::0001',
    '::ffff:1.2.3.4',
    '1:2:3:4:5:6:1.2.3.4',
  ])('may be %s', (address) => expect(problems(address)).toEqual([]));

  test.each([
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '1.2.3.4 ',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::01.2.3.4',
    'fe80::1%eth0',
    '[::1]',
    '::1]/[',
    '::1/64',
    'localhost',
  ])('may not be %s', (address) => expect(problems(address)).toHaveLength(1));
});
