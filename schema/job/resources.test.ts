import * as fc from 'fast-check';
import { test } from 'vitest';
import { parseResources, readResources } from './resources.ts';

const amounts: { text: string; cpu?: number; memory?: number; gpu?: number }[] = [
  { text: '100m', cpu: 0.1, memory: 100e6 },
  { text: '0.5', cpu: 0.5, memory: 0 },
  { text: '2', cpu: 2, memory: 2, gpu: 2 },
  { text: '.25', cpu: 0.25 },
  { text: '1e3', cpu: 1000 },
  { text: '512Mb', memory: 512e6 },
  { text: '512 MiB', memory: 512 * 2 ** 20 },
  { text: '1g', memory: 1e9 },
  { text: '1gi', memory: 2 ** 30 },
  { text: '1,024', memory: 1024 },
  { text: '1.5GB', memory: 1.5e9 },
  { text: '10b', memory: 10 },
  { text: '', cpu: 0, memory: 0, gpu: 0 },
];

for (const { text, cpu, memory, gpu } of amounts) {
  test(`reads ${JSON.stringify(text)}`, ({ expect }) => {
    if (cpu !== undefined) expect(parseResources({ CPU: text }).cpu).toBe(cpu);
    if (memory !== undefined)
      expect(parseResources({ Memory: text, Disk: text })).toMatchObject({ memory, disk: memory });
    if (gpu !== undefined) expect(parseResources({ GPU: text }).gpu).toBe(gpu);
  });
}

for (const text of ['x', '-1', '1x', '--', '.', 'm', '1e999', '9999999999999999999e']) {
  test(`refuses ${JSON.stringify(text)}`, ({ expect }) => {
    const { problems } = readResources({ CPU: text, Memory: text, Disk: text, GPU: text });
    expect(problems).toEqual(['CPU', 'memory', 'disk', 'GPU'].map((name) => `invalid ${name} value: ${text}`));
  });
}

test('names the value as it was given', ({ expect }) => {
  expect(() => parseResources({ CPU: 'X', GPU: '1.5' })).toThrow('invalid CPU value: X\ninvalid GPU value: 1.5');
});

test('any text is an amount of at least 0 or a problem', ({ expect }) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { resources } = readResources({ CPU: text, Memory: text, Disk: text, GPU: text });
      for (const amount of Object.values(resources)) expect(amount).toBeGreaterThanOrEqual(0);
      expect(Number.isSafeInteger(resources.memory)).toBe(true);
    }),
  );
});
