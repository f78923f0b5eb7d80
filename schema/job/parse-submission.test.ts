import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { ShoalError } from '../errors.ts';
import { JobSpec } from './job.ts';
import { needsOf } from './needs.ts';
import { parseSubmission } from './parse-submission.ts';

const task = { Name: 'main', Engine: { Type: 'docker', Params: { Image: 'busybox' } } };
const job = { Type: 'batch', Tasks: [task] };

/** Anything but a ShoalError is thrown on. */
function attempt(body: unknown): void {
  try {
    parseSubmission(body);
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error;
  }
}

describe('the project’s example', () => {
  const { spec, warnings } = parseSubmission({
    Job: {
      Name: 'test-job',
      Namespace: 'default',
      Type: 'batch',
      Count: 1,
      Labels: { foo: 'bar', env: 'dev' },
      Tasks: [
        {
          Name: 'task1',
          Engine: { Type: 'docker', Params: { Image: 'ubuntu:latest', Entrypoint: ['echo', 'hello'] } },
          Publisher: { Type: 'noop', Params: {} },
          ResourcesConfig: { CPU: '0.1', Memory: '10mb' },
          Network: { Type: 'None' },
          Timeouts: { ExecutionTimeout: 30 },
        },
      ],
    },
  });

  test('is stored in Bacalhau’s form', ({ expect }) => {
    expect(warnings).toEqual([]);
    expect(spec).toEqual({
      Name: 'test-job',
      Namespace: 'default',
      Type: 'batch',
      Priority: 0,
      Count: 1,
      Constraints: [],
      Meta: {},
      Labels: { foo: 'bar', env: 'dev' },
      Tasks: [
        {
          Name: 'task1',
          Engine: { Type: 'docker', Params: { Image: 'ubuntu:latest', Entrypoint: ['echo', 'hello'] } },
          Publisher: { Type: 'noop' },
          Resources: { CPU: '0.1', Memory: '10mb' },
          Network: { Type: 'None' },
          Timeouts: { ExecutionTimeout: 30 },
        },
      ],
    });
  });

  test('comes to these needs', ({ expect }) => {
    expect(needsOf(spec)).toEqual({
      engine: 'docker',
      publisher: '',
      sources: [],
      constraints: [],
      taskName: 'task1',
      resources: { cpu: 0.1, memory: 10_000_000, disk: 0, gpu: 0 },
      executionTimeoutMs: 30_000,
      queueTimeoutMs: null,
      totalTimeoutMs: 0,
    });
  });
});

test('fills in what is missing', ({ expect }) => {
  expect(parseSubmission({ Job: job }).spec).toEqual({
    Name: '',
    Namespace: 'default',
    Type: 'batch',
    Priority: 0,
    Count: 1,
    Constraints: [],
    Meta: {},
    Labels: {},
    Tasks: [
      {
        Name: 'main',
        Engine: { Type: 'docker', Params: { Image: 'busybox' } },
        Publisher: { Type: '' },
        Resources: { CPU: '500m', Memory: '512mb' },
        Network: { Type: 'Default' },
        Timeouts: {},
      },
    ],
  });
});

test('takes the CLI’s empty fields without a warning', ({ expect }) => {
  const empty = {
    ID: '',
    Namespace: '',
    Constraints: null,
    Meta: null,
    Labels: null,
    State: { StateType: 'Undefined' },
  };
  const zero = { Version: 0, Revision: 0, CreateTime: 0, ModifyTime: 0, Priority: 0, Count: null };
  const body = { Namespace: '', Credential: null, IdempotencyToken: '', Force: false };
  const full = {
    ...task,
    Publisher: null,
    Env: null,
    InputSources: null,
    Resources: null,
    Network: null,
    Timeouts: null,
  };
  const read = parseSubmission({ ...body, Job: { ...job, ...empty, ...zero, Tasks: [full] } });
  expect(read.warnings).toEqual([]);
  expect(read.spec.Count).toBe(1);
});

test('matches keys whatever their case and ignores others', ({ expect }) => {
  const folded = parseSubmission({
    JOB: { type: 'batch', tasks: [{ name: 'main', engine: { type: ' docker ', params: { image: 'x' } }, bogus: 1 }] },
    force: true,
  });
  expect(folded.force).toBe(true);
  expect(folded.spec.Tasks[0].Engine).toEqual({ Type: 'docker', Params: { image: 'x' } });
});

test('normalises amounts, network and timeouts', ({ expect }) => {
  const odd = {
    ...task,
    Resources: { CPU: ' 1 ', Memory: '1 GB', GPU: '' },
    Network: { Type: ' http ', Domains: [' Example.COM '] },
    Timeouts: { ExecutionTimeout: 0, QueueTimeout: 5 },
  };
  const [read] = parseSubmission({ Job: { ...job, Tasks: [odd] } }).spec.Tasks;
  expect(read.Resources).toEqual({ CPU: '1', Memory: '1gb' });
  expect(read.Network).toEqual({ Type: 'HTTP', Domains: ['example.com'] });
  expect(read.Timeouts).toEqual({ QueueTimeout: 5 });
});

test('no CPU or memory at all is the default amount', ({ expect }) => {
  for (const zero of ['0', ' 0.0 ', '0m', '']) {
    const Resources = { CPU: zero, Memory: zero, Disk: '0', GPU: '0' };
    const [read] = parseSubmission({ Job: { ...job, Tasks: [{ ...task, Resources }] } }).spec.Tasks;
    expect(read.Resources).toEqual({ CPU: '500m', Memory: '512mb', Disk: '0', GPU: '0' });
  }
  const Resources = { CPU: '1m', Memory: '1' };
  const [read] = parseSubmission({ Job: { ...job, Tasks: [{ ...task, Resources }] } }).spec.Tasks;
  expect(read.Resources).toEqual(Resources);
});

test('drops what the server keeps, with a warning each', ({ expect }) => {
  const kept = { State: { StateType: 'running' }, Revision: 1, Version: 2, CreateTime: 1.7e18, ModifyTime: 4 };
  const meta = { 'bacalhau.org/x': 'y', mine: 'z' };
  const read = parseSubmission({ Job: { ...job, ...kept, ID: 'j-1', Meta: meta, Tasks: [task, task] } });
  expect(read.warnings).toEqual([
    'job state is ignored when submitting a job',
    'job revision is ignored when submitting a job',
    'job version is ignored when submitting a job',
    'job create time is ignored when submitting a job',
    'job modify time is ignored when submitting a job',
    'job ID is ignored when submitting a batch job',
    'only one task is supported per job',
    'job meta key "bacalhau.org/x" is reserved and will be ignored',
  ]);
  expect(read.spec.Meta).toEqual({ mine: 'z' });
  expect(read.requestedId).toBeNull();
});

test('counts by type', ({ expect }) => {
  const count = (Type: string, Count?: number) => parseSubmission({ Job: { ...job, Type, Count } }).spec.Count;
  expect([count('batch'), count('batch', 0), count('service', 3), count('ops'), count('daemon', 1)]).toEqual([
    1, 0, 3, 0, 0,
  ]);
});

test.for([
  ['batch', ['job count is 0: nothing runs']],
  ['service', ['job count is 0: nothing runs']],
  ['ops', []],
  ['daemon', []],
] as const)('a %s job of count 0 is warned of where nothing runs by it', ([Type, warnings], { expect }) => {
  expect(parseSubmission({ Job: { ...job, Type, Count: 0 } }).warnings).toEqual(warnings);
});

const withTask = (fields: object) => ({ Job: { ...job, Tasks: [{ ...task, ...fields }] } });

describe('properties', () => {
  test('any JSON is a document or a ShoalError', () => {
    fc.assert(fc.property(fc.jsonValue(), (body) => attempt(body)));
    fc.assert(fc.property(fc.jsonValue(), (value) => attempt({ Job: { ...job, Constraints: value, Meta: value } })));
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, key) => attempt(withTask({ [key]: value, Env: value }))),
    );
  });

  const key = fc.string().filter((text) => text !== '__proto__');
  const documents = fc.record({
    Name: fc.string({ unit: 'grapheme', maxLength: 20 }).filter((name) => !name.includes('\0')),
    Count: fc.nat(100),
    Priority: fc.integer(),
    Labels: fc.dictionary(key, fc.string()),
    Meta: fc.dictionary(key, fc.string()),
    Params: fc
      .dictionary(
        key,
        fc
          .json({ maxDepth: 3 })
          .filter((text) => !text.includes('__proto__'))
          .map((text): unknown => JSON.parse(text)),
      )
      .filter(
        (params) => new Set(Object.keys(params).map((one) => one.toLowerCase())).size === Object.keys(params).length,
      ),
    Timeout: fc.nat(1000),
    Domain: fc.constantFrom('example.com', ' A.B.io '),
  });
  const submissionOf = ({ Params, Timeout, Domain, ...fields }: Record<string, unknown>) => ({
    Job: {
      ...job,
      ...fields,
      Tasks: [
        {
          ...task,
          Engine: { Type: 'docker', Params },
          Network: { Type: 'http', Domains: [Domain] },
          Timeouts: { ExecutionTimeout: Timeout },
        },
      ],
    },
  });

  test('what was normalised is what readers of stored documents expect, and nothing else', ({ expect }) => {
    fc.assert(
      fc.property(documents, (fields) => {
        const { spec } = parseSubmission(submissionOf(fields));
        expect(JobSpec.parse(spec)).toEqual(spec);
      }),
    );
  });

  test('what was normalised stays as it is', ({ expect }) => {
    fc.assert(
      fc.property(documents, (fields) => {
        const once = parseSubmission(submissionOf(fields));
        const again = parseSubmission(JSON.parse(JSON.stringify({ Job: once.spec })));
        // As JSON, which is what is stored: it has no negative zero.
        expect(JSON.stringify(again.spec)).toBe(JSON.stringify(once.spec));
        // The engine's parameters are kept as they are, also those that nobody reads.
        const ofParams = /^(Job\.Tasks\[0\]\.Engine\.Params\.|\(and \d+ more\)$|job count is 0)/;
        expect(again.warnings.filter((text) => !ofParams.test(text))).toEqual([]);
      }),
    );
  });
});

test('a key called __proto__ is refused, not lost', ({ expect }) => {
  for (const fields of ['"Labels":{"__proto__":"x"}', '"Meta":{"__proto__":"x"}']) {
    const body: unknown = JSON.parse(`{"Job":{${fields},"Tasks":[]}}`);
    expect(() => parseSubmission(body)).toThrow('the key "__proto__" is not allowed');
  }
});
