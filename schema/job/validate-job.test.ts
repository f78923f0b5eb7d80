import { describe, test } from 'vitest';
import { ShoalError } from '../errors.ts';
import { MAX_COUNT } from '../limits.ts';
import { parseSubmission } from './parse-submission.ts';

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
    name: 'priority beyond 53 bits',
    body: { Job: { ...job, Priority: 2 ** 53 } },
    message: 'Job.Priority: expected a whole number within 53 bits, got number 9007199254740992',
  },
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
    body: { Job: { ...job, Constraints: [{ Key: 'a', Operator: '=', Values: ['b', 'c'] }] } },
    message: 'constraint 1 validation failed: selector values must have exactly one value for other operators',
  },
  {
    name: 'constraint with an unknown operator',
    body: { Job: { ...job, Constraints: [{ Key: 'a', Operator: '~', Values: ['b'] }] } },
    message: 'constraint 1 validation failed: unknown operator "~", allowed: = == in != notin exists ! gt lt',
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
    name: 'engine parameters that differ only in case',
    body: withTask({ Engine: { Type: 'docker', Params: { Image: 'x', Capabilities: [], capabilities: ['ALL'] } } }),
    message: inTask("invalid engine: Engine.Params: 'Capabilities' and 'capabilities' differ only in case"),
  },
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
    name: 'null in a value',
    body: withTask({ Env: { A: 'b\0' } }),
    message: inTask("environment variable 'A' cannot contain null characters"),
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
