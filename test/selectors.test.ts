import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import type { ConstraintOperator } from '../schema/job/job.ts';
import { matchesSelector, type Operator } from '../schema/selector.ts';
import { meets } from '../src/core/placement/constraints.ts';
import { makeReads, type Reads } from '../src/store/reads/reads.ts';
import { FakeD1 } from './fakes/d1.ts';
import { seedJob } from './fakes/seed.ts';

/** Placement, the list of nodes and the list of jobs are asked the same: each finds a label in its own way. */

interface Question {
  /** Undefined: there is no such label. */
  readonly value: string | undefined;
  readonly operator: Operator;
  readonly values: readonly string[];
}

const KEY = 'size';
const constraintOperators: Readonly<Record<Operator, readonly ConstraintOperator[]>> = {
  in: ['in'],
  notin: ['notin'],
  exists: ['exists'],
  absent: ['!'],
  gt: ['gt'],
  lt: ['lt'],
};

function placementSays({ value, operator, values }: Question): boolean {
  const [only = '', ...others] = values;
  const single: Readonly<Partial<Record<Operator, readonly ConstraintOperator[]>>> =
    others.length === 0 && values.length === 1 ? { in: ['=', '=='], notin: ['!='] } : {};
  const says = [...constraintOperators[operator], ...(single[operator] ?? [])].map((Operator) =>
    meets(value === undefined ? {} : { [KEY]: value }, [
      { Key: KEY, Operator, ...(values.length > 0 && { Values: others.length === 0 ? [only] : [...values] }) },
    ]),
  );
  if (new Set(says).size !== 1) throw new Error(`${operator}: its names do not mean the same`);
  return says[0] === true;
}

function nodesSay({ value, operator, values }: Question): boolean {
  return matchesSelector([{ key: KEY, operator, values }], value === undefined ? {} : { [KEY]: value });
}

/** Both ways of a list: driven by the label, and by the jobs. */
async function jobsSay(reads: Reads, { operator, values }: Question): Promise<boolean> {
  const query = { namespaces: null, reverse: false, after: null, limit: 10, labels: [{ key: KEY, operator, values }] };
  const byLabel = await reads.listJobs({ ...query, orderBy: 'created_at' });
  const byJob = await reads.listJobs({ ...query, orderBy: 'modified_at' });
  if (byLabel.jobs.length !== byJob.jobs.length) throw new Error('the two ways of a list differ');
  return byLabel.jobs.length === 1;
}

async function allSay(question: Question) {
  const db = new FakeD1();
  const labels: Record<string, string> = question.value === undefined ? {} : { [KEY]: question.value };
  seedJob(db, { id: 'j-one', labels });
  const jobs = await jobsSay(makeReads(db), question);
  db.sqlite.close();
  return { placement: placementSays(question), nodes: nodesSay(question), jobs };
}

const MAX = '9223372036854775807';
const MIN = '-9223372036854775808';

const cases: [value: string | undefined, operator: Operator, values: readonly string[], want: boolean][] = [
  ['7', 'gt', ['5'], true],
  ['5', 'gt', ['5'], false],
  ['5', 'lt', ['5'], false],
  ['06', 'gt', ['5'], true],
  ['06', 'gt', ['06'], false],
  ['00000000000000000000000006', 'gt', ['5'], true],
  ['6', 'gt', ['05'], true],
  ['+6', 'gt', ['5'], true],
  ['-6', 'lt', ['5'], true],
  ['-6', 'gt', ['-7'], true],
  ['-0', 'lt', ['1'], true],
  ['12345678901234567', 'gt', ['5'], true],
  ['12345678901234567', 'gt', ['12345678901234566'], true],
  ['12345678901234567', 'lt', ['12345678901234568'], true],
  [MAX, 'gt', ['9223372036854775806'], true],
  [MIN, 'lt', ['-9223372036854775807'], true],
  ['9223372036854775808', 'gt', ['5'], false],
  ['-9223372036854775809', 'lt', ['5'], false],
  ['99999999999999999999', 'gt', ['5'], false],
  ['7x', 'gt', ['5'], false],
  ['x7', 'gt', ['5'], false],
  ['', 'gt', ['-1'], false],
  ['-', 'lt', ['5'], false],
  ['+-7', 'gt', ['5'], false],
  [' 7', 'gt', ['5'], false],
  ['7 ', 'gt', ['5'], false],
  ['7.5', 'gt', ['5'], false],
  ['7e2', 'gt', ['5'], false],
  ['0x7', 'gt', ['5'], false],
  ['٧', 'gt', ['5'], false],
  ['7\0', 'gt', ['5'], false],
  [undefined, 'gt', ['-5'], false],
  [undefined, 'lt', ['5'], false],
  ['a', 'in', ['a'], true],
  ['a', 'in', ['A'], false],
  ['a', 'in', ['b', 'a'], true],
  ['06', 'in', ['6'], false],
  ['', 'in', [''], true],
  [undefined, 'in', [''], false],
  ['a', 'notin', ['a'], false],
  ['a', 'notin', ['b'], true],
  ['a', 'notin', ['b', 'c'], true],
  [undefined, 'notin', ['a'], true],
  ['', 'exists', [], true],
  [undefined, 'exists', [], false],
  ['', 'absent', [], false],
  [undefined, 'absent', [], true],
];

describe('placement, nodes and jobs agree that', () => {
  for (const [value, operator, values, want] of cases) {
    const says = value === undefined ? 'no label' : JSON.stringify(value);
    test(`${says} ${operator} ${values.join(',')} is ${want}`, async ({ expect }) => {
      expect(await allSay({ value, operator, values })).toEqual({ placement: want, nodes: want, jobs: want });
    });
  }
});

test('placement, nodes and jobs agree on whatever a label says', async ({ expect }) => {
  const digits = fc.stringMatching(/^[+-]{0,2}0{0,3}\d{0,21}$/);
  const near = fc.bigInt({ min: 2n ** 63n - 3n, max: 2n ** 63n + 3n }).map((n) => [String(n), String(-n)]);
  const text = fc.oneof(
    digits,
    near.chain((both) => fc.constantFrom(...both)),
    fc.string({ maxLength: 4 }),
  );
  const questions = fc.oneof(
    fc.record({ value: text, operator: fc.constantFrom('gt', 'lt'), values: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }),
    fc.record({ value: text, operator: fc.constantFrom('in', 'notin'), values: fc.array(text, { minLength: 1 }) }),
  );
  await fc.assert(
    fc.asyncProperty(questions, async ({ value, operator, values }) => {
      const list = typeof values === 'bigint' ? [String(values)] : values.map((one) => one.toWellFormed());
      const { placement, nodes, jobs } = await allSay({ value: value.toWellFormed(), operator, values: list });
      expect([nodes, jobs]).toEqual([placement, placement]);
    }),
    { numRuns: 200 },
  );
});
