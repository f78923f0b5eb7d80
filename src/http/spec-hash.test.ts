import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { parseSubmission } from '../../schema/job/parse-submission.ts';
import { specHash } from './spec-hash.ts';

const task = { Name: 'main', Engine: { Type: 'docker', Params: { Image: 'busybox' } } };
const job = { Type: 'batch', Tasks: [task] };

/** Every object's keys in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, turned(item)]),
  );
}

describe('the hash of a specification', () => {
  test('leaves out reserved Meta and sees everything else', async ({ expect }) => {
    const { spec } = parseSubmission({ Job: job });
    const hash = await specHash(spec);
    expect(hash).toMatch(/^[0-9a-f]{32}$/);
    expect(await specHash({ ...spec, Meta: { 'bacalhau.org/orchestrator.id': 'n-1' } })).toBe(hash);
    expect(await specHash({ ...spec, Meta: { mine: '1' } })).not.toBe(hash);
    expect(await specHash({ ...spec, Priority: 1 })).not.toBe(hash);
  });

  test('does not depend on the order of keys, however deep', async ({ expect }) => {
    const key = fc.string().filter((text) => text !== '__proto__');
    const maps = fc.dictionary(key, fc.string());
    const params = fc.dictionary(
      key,
      fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__')),
    );
    await fc.assert(
      fc.asyncProperty(maps, params, async (Labels, Params) => {
        const { spec } = parseSubmission({ Job: job });
        const asked = { ...spec, Labels, Tasks: [{ ...spec.Tasks[0], Engine: { Type: 'docker', Params } }] } as const;
        const other = turned(asked) as typeof spec;
        expect(await specHash(other)).toBe(await specHash({ ...asked, Tasks: [...asked.Tasks] }));
      }),
      { numRuns: 50 },
    );
  });

  // Jobs of earlier versions keep theirs in the database: another hash would make every repeated submit a new version.
  test('is what it always was', async ({ expect }) => {
    const Params = { Image: 'busybox', Big: 1e21, Small: 1e-7, Nested: { z: null, a: [true, { y: 1, x: 2 }] } };
    const { spec } = parseSubmission({
      Job: {
        Name: 'kept',
        Type: 'batch',
        Count: 2,
        Priority: 3,
        Labels: { b: '1', a: 'ü', 'é"\\': '\u2028' },
        Meta: { mine: 'x' },
        Constraints: [{ Key: 'zone', Operator: 'in', Values: ['b', 'a'] }],
        Tasks: [{ Name: 'main', Engine: { Type: 'docker', Params }, Resources: { CPU: '500M', Memory: '1 GB' } }],
      },
    });
    expect(await specHash(spec)).toBe('011b744f8995fe8a65d22a95b6c03eec');
  });
});
