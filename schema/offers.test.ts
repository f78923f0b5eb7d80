import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asksOf, matchesPattern } from './offers.ts';
import { parseSubmission } from './job/parse-submission.ts';

const asks = (task: object) =>
  asksOf(
    parseSubmission({
      Job: { Type: 'batch', Tasks: [{ Name: 'main', Engine: { Type: 'docker', Params: { Image: 'x' } }, ...task }] },
    }).spec.Tasks,
  );

describe('what a task asks for that an owner may refuse', () => {
  test.for<[string, object, unknown]>([
    ['nothing', {}, undefined],
    ['the networks that every node has', { Network: { Type: 'None' } }, undefined],
    ['the network of the machine', { Network: { Type: 'host' } }, { network: 'Host' }],
    [
      'ports, those that it names itself',
      { Network: { Type: 'Bridge', Ports: [{ Name: 'a', Static: 8080 }, { Name: 'b' }] } },
      { network: 'Bridge', ports: [8080] },
    ],
    ['variables of the machine', { Env: { A: 'env:B', C: 'env:B', D: 'plain', E: 'env:F' } }, { env: ['B', 'F'] }],
    [
      'capabilities, however they are spelt',
      { Engine: { Type: 'docker', Params: { Image: 'x', capabilities: ['cap_net_raw', 'NET_RAW', 'sys_time'] } } },
      { capabilities: ['NET_RAW', 'SYS_TIME'] },
    ],
    [
      'capabilities that cannot be read, which the agent refuses',
      { Engine: { Type: 'docker', Params: { Image: 'x', Capabilities: 'all' } } },
      undefined,
    ],
    [
      'result paths',
      { ResultPaths: [{ Name: 'out', Path: '/out' }], Publisher: { Type: 'local' } },
      { resultPaths: true },
    ],
  ])('%s', ([, task, want]) => {
    expect(asks(task)).toEqual(want);
  });
});

describe('a pattern', () => {
  test.for<[string, string, boolean]>([
    ['A', 'A', true],
    ['A', 'a', false],
    ['AB', 'A', false],
    ['A_1', 'A_*', true],
    ['A_', 'A_*', true],
    ['A', 'A_*', false],
    ['anything', '*', true],
    ['', '*', true],
    ['a.b', 'a?b', false],
    ['a+b', 'a+b', true],
    ['aXbYc', 'a*b*c', true],
    ['abc', 'a*b*b*c', false],
    ['aba', 'ab*ba', false],
    ['abba', 'ab*ba', true],
    ['xx', 'x**x', true],
  ])('%s against %s: %s', ([name, pattern, want]) => {
    expect(matchesPattern(name, pattern)).toBe(want);
  });

  test('is read as a regular expression with .* would be, without its cost', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (name, pattern) => {
        const plain = name.replaceAll('*', 'c');
        expect(matchesPattern(plain, pattern)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(plain));
      }),
    );
    expect(matchesPattern('a'.repeat(256), `${'*a'.repeat(120)}b`)).toBe(false);
  });
});
