import fc from 'fast-check';
import { describe, test } from 'vitest';
import { ShoalError } from '../errors.ts';
import { MAX_COUNT } from '../limits.ts';
import { needsOf } from './needs.ts';
import { parseSubmission } from './parse-submission.ts';
import { specHash } from './spec-hash.ts';

const task = { Name: 'main', Engine: { Type: 'docker', Params: { Image: 'busybox' } } };
const job = { Type: 'batch', Tasks: [task] };

function messageOf(body: unknown): string {
  const error = errorOf(body);
  if (error === null) throw new Error('was taken');
  return error.shape.message;
}

function errorOf(body: unknown): ShoalError | null {
  try {
    parseSubmission(body);
    return null;
  } catch (error) {
    if (error instanceof ShoalError) return error;
    throw error;
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

const withTask = (fields: object) => ({ Job: { ...job, Tasks: [{ ...task, ...fields }] } });
const inTask = (message: string) => `task main validation failed: ${message}`;

const refusals: { name: string; body: unknown; message: string }[] = [
  { name: 'no job', body: {}, message: 'empty/nil job' },
  { name: 'null job', body: { Job: null }, message: 'empty/nil job' },
  { name: 'empty job', body: { Job: {} }, message: 'missing job type\nmissing job tasks' },
  { name: 'unknown type', body: { Job: { ...job, Type: 'cron' } }, message: 'invalid job type: "cron"' },
  { name: 'upper-case type', body: { Job: { ...job, Type: 'Batch' } }, message: 'invalid job type: "Batch"' },
  { name: 'negative count', body: { Job: { ...job, Count: -1 } }, message: 'job count must be >= 0' },
  {
    name: 'count over the limit',
    body: { Job: { ...job, Count: MAX_COUNT + 1 } },
    message: `job count must be <= ${MAX_COUNT}`,
  },
  {
    name: 'count of a daemon',
    body: { Job: { ...job, Type: 'daemon', Count: 2 } },
    message: 'daemon jobs cannot specify count > 1 as they run on all matching nodes',
  },
  { name: 'no tasks', body: { Job: { ...job, Tasks: [] } }, message: 'missing job tasks' },
  {
    name: 'null task',
    body: { Job: { ...job, Tasks: [null] } },
    message: 'Job.Tasks[0]: expected an object, got null',
  },
  {
    name: 'wrong JSON types',
    body: { Job: { ...job, Count: '3', Priority: 1.5, Labels: [], Tasks: [{ ...task, Env: { A: 1 } }] } },
    message: [
      'Job.Priority: expected a whole number, got number 1.5',
      'Job.Count: expected a whole number, got string "3"',
      'Job.Labels: expected an object, got array',
      'Job.Tasks[0].Env.A: expected a string, got number 1',
    ].join('\n'),
  },
  { name: 'a body that is no object', body: [], message: 'request body: expected an object, got array' },
  {
    name: 'unknown network',
    body: withTask({ Network: { Type: 'wifi' } }),
    message: 'Job.Tasks[0].Network.Type: expected one of Default, None, Host, Full, HTTP, Bridge, got string "wifi"',
  },
  {
    name: 'constraint without key',
    body: { Job: { ...job, Constraints: [{ Key: ' ', Operator: 'in', Values: ['a'] }] } },
    message: 'constraint 1 validation failed: selector key cannot be blank',
  },
  {
    name: 'constraint without values',
    body: {
      Job: {
        ...job,
        Constraints: [
          { Key: 'a', Operator: 'exists' },
          { Key: 'a', Operator: 'in' },
        ],
      },
    },
    message: 'constraint 2 validation failed: selector values cannot be empty for In or NotIn operators',
  },
  {
    name: 'constraint with values it does not take',
    body: { Job: { ...job, Constraints: [{ Key: 'a', Operator: '!', Values: ['b'] }] } },
    message: 'constraint 1 validation failed: selector values must be empty for Exists or KeyNotInImap operators',
  },
  {
    name: 'constraint with two values',
    body: { Job: { ...job, Constraints: [{ Key: 'a', Operator: '~', Values: ['b', 'c'] }] } },
    message: 'constraint 1 validation failed: selector values must have exactly one value for other operators',
  },
  { name: 'no task name', body: withTask({ Name: ' ' }), message: 'task   validation failed: missing task name' },
  {
    name: 'null in a name',
    body: { Job: { ...job, Name: 'a\0' } },
    message: 'job name cannot contain null characters',
  },
  {
    name: 'long name',
    body: { Job: { ...job, Name: 'a'.repeat(256) } },
    message: 'job name must be at most 255 characters',
  },
  { name: 'no engine', body: withTask({ Engine: null }), message: inTask('invalid engine: nil spec config') },
  { name: 'no engine type', body: withTask({ Engine: {} }), message: inTask('invalid engine: missing spec type') },
  {
    name: 'lower-case variable',
    body: withTask({ Env: { foo: '1' } }),
    message: inTask("environment variable 'foo' must be uppercase"),
  },
  {
    name: 'empty variable',
    body: withTask({ Env: { '': '1' } }),
    message: inTask('environment variable name cannot be empty'),
  },
  {
    name: 'digit first',
    body: withTask({ Env: { '1A': '1' } }),
    message: inTask("environment variable '1A' must start with a letter"),
  },
  {
    name: 'odd variable',
    body: withTask({ Env: { 'A-B': '1' } }),
    message: inTask("environment variable 'A-B' can only contain letters, numbers, and underscores"),
  },
  {
    name: 'reserved variable',
    body: withTask({ Env: { BACALHAU_X: '1' } }),
    message: inTask("environment variable 'BACALHAU_X' cannot start with BACALHAU_"),
  },
  {
    name: 'empty value',
    body: withTask({ Env: { A: '' } }),
    message: inTask("environment variable 'A' cannot have empty value"),
  },
  {
    name: 'negative timeouts',
    body: withTask({ Timeouts: { ExecutionTimeout: -5, TotalTimeout: -60 } }),
    message: inTask('invalid timeouts: invalid execution timeout value: -5s\ninvalid total timeout value: -1m0s'),
  },
  {
    name: 'total timeout too short',
    body: withTask({ Timeouts: { ExecutionTimeout: 60, QueueTimeout: 10, TotalTimeout: 30 } }),
    message: inTask(
      'invalid timeouts: execution timeout 1m0s and queue timeout 10s should be less than total timeout 30s',
    ),
  },
  {
    name: 'bad amounts',
    body: withTask({ Resources: { CPU: 'lots' } }),
    message: inTask('invalid resources: invalid CPU value: lots'),
  },
  {
    name: 'input without target',
    body: withTask({ InputSources: [{ Source: { Type: 'inline' } }] }),
    message: inTask('invalid input sources: input source is missing a target'),
  },
  {
    name: 'input without source',
    body: withTask({ InputSources: [{ Source: {}, Target: '/a' }] }),
    message: inTask('invalid input sources: invalid input source: missing spec type'),
  },
  {
    name: 'inputs that clash',
    body: withTask({
      InputSources: [
        { Source: { Type: 'inline' }, Target: '/a', Alias: 'x' },
        { Source: { Type: 'inline' }, Target: '/a', Alias: 'x' },
      ],
    }),
    message: inTask("input source with alias 'x' already exists\ninput source with target '/a' already exists"),
  },
  {
    name: 'relative result',
    body: withTask({ ResultPaths: [{ Name: 'o', Path: 'o' }] }),
    message: inTask('invalid output: result path `o` must be absolute'),
  },
  {
    name: 'empty result',
    body: withTask({ ResultPaths: [{}] }),
    message: inTask('invalid output: missing path\nmissing name'),
  },
  {
    name: 'results without publisher',
    body: withTask({ ResultPaths: [{ Name: 'o', Path: '/o' }] }),
    message: inTask('publisher must be set if result paths are set'),
  },
  {
    name: 'domains without HTTP',
    body: withTask({ Network: { Domains: ['example.com'] } }),
    message: inTask('invalid network: domains can only be set for HTTP network mode'),
  },
  {
    name: 'odd domain',
    body: withTask({ Network: { Type: 'HTTP', Domains: ['10.0.0.1', '::1', '*'] } }),
    message: inTask('invalid network: invalid domain "*"'),
  },
  {
    name: 'ports without host',
    body: withTask({ Network: { Type: 'None', Ports: [{ Name: 'http' }] } }),
    message: inTask('invalid network: ports can only be set for Host or Bridge network modes'),
  },
];

describe('refuses', () => {
  for (const { name, body, message } of refusals) {
    test(name, ({ expect }) => {
      expect(messageOf(body)).toBe(message);
      expect(errorOf(body)?.shape.status).toBe(400);
    });
  }

  test('a large document, naming what is large', ({ expect }) => {
    const params = { Image: 'x', Parameters: ['y'.repeat(300_000)] };
    const error = errorOf(withTask({ Engine: { Type: 'docker', Params: params } }));
    expect(error?.shape.status).toBe(413);
    expect(error?.shape.message).toContain('largest fields: Job.Tasks[0].Engine.Params.Parameters 300004 bytes');
  });

  test('large labels', ({ expect }) => {
    expect(messageOf({ Job: { ...job, Labels: { a: 'ä'.repeat(40_000) } } })).toContain('Job.Labels has 80008 bytes');
  });

  test('deep nesting', ({ expect }) => {
    const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`);
    expect(messageOf(withTask({ Engine: { Type: 'docker', Params: { deep } } }))).toContain('nested deeper');
  });
});

test('second validation has the store’s form', ({ expect }) => {
  const { code, component } = errorOf(withTask({ ResultPaths: [{ Name: 'o', Path: '/o' }] }))?.shape ?? {};
  expect({ code, component }).toEqual({ code: 'BadRequest', component: 'JobStore' });
});

describe('properties', () => {
  test('any JSON is a document or a ShoalError', () => {
    fc.assert(fc.property(fc.jsonValue(), (body) => void errorOf(body)));
    fc.assert(
      fc.property(fc.jsonValue(), (value) => void errorOf({ Job: { ...job, Constraints: value, Meta: value } })),
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, key) => void errorOf(withTask({ [key]: value, Env: value }))),
    );
  });

  const documents = fc.record({
    Name: fc.string({ unit: 'grapheme', maxLength: 20 }).filter((name) => !name.includes('\0')),
    Count: fc.nat(100),
    Priority: fc.integer(),
    Labels: fc.dictionary(fc.string(), fc.string()),
    Meta: fc.dictionary(fc.string(), fc.string()),
    Params: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
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

  test('what was normalised stays as it is', ({ expect }) => {
    fc.assert(
      fc.property(documents, (fields) => {
        const once = parseSubmission(submissionOf(fields));
        const again = parseSubmission(JSON.parse(JSON.stringify({ Job: once.spec })));
        expect(again.spec).toEqual(once.spec);
        expect(again.warnings).toEqual([]);
      }),
    );
  });

  test('the hash does not depend on the order of keys', async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(documents, async (fields) => {
        const { spec } = parseSubmission(submissionOf(fields));
        const turned = Object.fromEntries(Object.entries(spec).toReversed()) as typeof spec;
        expect(await specHash(turned)).toBe(await specHash(spec));
      }),
      { numRuns: 30 },
    );
  });
});

test('the hash leaves out reserved Meta and sees everything else', async ({ expect }) => {
  const { spec } = parseSubmission({ Job: job });
  const hash = await specHash(spec);
  expect(hash).toMatch(/^[0-9a-f]{32}$/);
  expect(await specHash({ ...spec, Meta: { 'bacalhau.org/orchestrator.id': 'n-1' } })).toBe(hash);
  expect(await specHash({ ...spec, Meta: { mine: '1' } })).not.toBe(hash);
  expect(await specHash({ ...spec, Priority: 1 })).not.toBe(hash);
});
