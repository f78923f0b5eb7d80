import type { Case } from '../case.ts';
import { aJobId, anything, nanos, uuid, type Pattern } from '../pattern.ts';
import { ORCHESTRATOR } from '../world.ts';

const SUBMIT = 'PUT /orchestrator/jobs';
const task = { Name: 'main', Engine: { Type: 'docker', Params: { Image: 'busybox' } } };
const accepted: Pattern = { JobID: aJobId, EvaluationID: uuid, Warnings: null };
const warned = (...warnings: string[]): Pattern => ({ JobID: aJobId, EvaluationID: uuid, Warnings: warnings });
const bad = (message: string, component = 'APIServer', code = 'InternalError'): Pattern => ({
  Status: 400,
  Message: message,
  RequestID: '',
  Code: code,
  Component: component,
});

/** What the command line sends: its own struct, nulls and zero values included. */
const fromCli = {
  Namespace: '',
  Credential: null,
  IdempotencyToken: '',
  Force: false,
  Job: {
    ID: '',
    Name: 'cli',
    Namespace: '',
    Type: 'batch',
    Priority: 0,
    Count: 1,
    Constraints: null,
    Meta: null,
    Labels: null,
    Tasks: [
      {
        ...task,
        Publisher: null,
        Env: null,
        Meta: null,
        InputSources: null,
        ResultPaths: null,
        Resources: null,
        Network: null,
        Timeouts: null,
      },
    ],
    State: { StateType: 'Undefined' },
    Version: 0,
    Revision: 0,
    CreateTime: 0,
    ModifyTime: 0,
  },
};

const full = {
  Name: 'full',
  Namespace: 'default',
  Type: 'batch',
  Priority: 3,
  Count: 2,
  Constraints: [{ Key: 'os_type', Operator: 'in', Values: ['linux'] }],
  Meta: { a: 'b' },
  Labels: { team: 'blue' },
  Tasks: [
    {
      Name: 'main',
      Engine: { Type: 'docker', Params: { Image: 'busybox', Entrypoint: ['echo'], Parameters: ['hi'] } },
      Publisher: { Type: 'local', Params: {} },
      Env: { A: '1' },
      Meta: { c: 'd' },
      InputSources: [{ Source: { Type: 'inline', Params: { URL: 'data:,x' } }, Alias: 'in', Target: '/in' }],
      ResultPaths: [{ Name: 'out', Path: '/out' }],
      Resources: { CPU: '100m', Memory: '1 GB', Disk: '1gi', GPU: '0' },
      Network: { Type: 'http', Domains: ['Example.com '] },
      Timeouts: { ExecutionTimeout: 10, QueueTimeout: 5, TotalTimeout: 20 },
    },
  ],
};

const legacyWasm = {
  Name: 'legacy-wasm',
  Type: 'batch',
  Tasks: [
    {
      Name: 'main',
      Engine: {
        Type: 'wasm',
        Params: {
          EntryModule: { Source: { Type: 's3', Params: { Bucket: 'b', Key: 'k' } } },
          ImportModules: [{ Source: { Type: 'urlDownload', Params: { URL: 'https://example.com/m.wasm' } } }],
        },
      },
    },
  ],
};

const meta = { 'bacalhau.org/orchestrator.id': ORCHESTRATOR, 'bacalhau.org/requester.id': ORCHESTRATOR };
const stored = (fields: Readonly<Record<string, Pattern>>, tasks: Pattern): Pattern => ({
  Job: {
    ID: aJobId,
    Name: 'full',
    Namespace: 'default',
    Type: 'batch',
    Priority: 0,
    Count: 1,
    Constraints: [],
    Meta: meta,
    Labels: {},
    ...fields,
    Tasks: tasks,
    State: anything,
    Version: 1,
    Revision: anything,
    CreateTime: nanos,
    ModifyTime: nanos,
  },
});
const storedFull = stored(
  {
    Priority: 3,
    Count: 2,
    Constraints: [{ Key: 'os_type', Operator: 'in', Values: ['linux'] }],
    Meta: { a: 'b', ...meta },
    Labels: { team: 'blue' },
  },
  [
    {
      Name: 'main',
      Engine: { Type: 'docker', Params: { Image: 'busybox', Entrypoint: ['echo'], Parameters: ['hi'] } },
      Publisher: { Type: 'local' },
      Env: { A: '1' },
      Meta: { c: 'd' },
      InputSources: [{ Source: { Type: 'inline', Params: { URL: 'data:,x' } }, Alias: 'in', Target: '/in' }],
      ResultPaths: [{ Name: 'out', Path: '/out' }],
      Resources: { CPU: '100m', Memory: '1gb', Disk: '1gi', GPU: '0' },
      Network: { Type: 'HTTP', Domains: ['example.com'] },
      Timeouts: { ExecutionTimeout: 10, QueueTimeout: 5, TotalTimeout: 20 },
    },
  ],
);
const storedWasm = stored({ Name: 'legacy-wasm' }, [
  {
    Name: 'main',
    Engine: {
      Type: 'wasm',
      Params: { EntryModule: '/wasm/entry.wasm', ImportModules: ['/wasm/imports/module_0.wasm'] },
    },
    Publisher: { Type: '' },
    InputSources: [
      { Source: { Type: 's3', Params: { Bucket: 'b', Key: 'k' } }, Alias: '', Target: '/wasm/entry.wasm' },
      {
        Source: { Type: 'urlDownload', Params: { URL: 'https://example.com/m.wasm' } },
        Alias: '',
        Target: '/wasm/imports/module_0.wasm',
      },
    ],
    Resources: { CPU: '500m', Memory: '512mb' },
    Network: { Type: 'Default' },
    Timeouts: {},
  },
]);

const invalid = (name: string, job: unknown, message: string): Case => ({
  name: `refused: ${name}`,
  route: SUBMIT,
  body: { Job: job },
  status: 400,
  answer: bad(message),
});
const batch = (fields: object) => ({ Type: 'batch', Tasks: [{ ...task, ...fields }] });
const inTask = (problem: string) => `task main validation failed: ${problem}`;

export const submitCases: readonly Case[] = [
  {
    name: 'a submission of the command line',
    route: SUBMIT,
    body: fromCli,
    shows: ['Job', 'Force', 'Namespace', 'Credential'],
    models: { SubmitAnswer: '' },
    answer: accepted,
  },
  {
    name: 'a submission by POST',
    route: 'POST /orchestrator/jobs',
    body: { Job: { Type: 'batch', Tasks: [task] } },
    shows: ['Job'],
    answer: accepted,
  },
  {
    name: 'keys in any case, unknown ones too',
    route: SUBMIT,
    body: {
      JOB: { type: 'batch', bogus: 1, TASKS: [{ name: 'main', engine: { type: 'docker', params: { image: 'x' } } }] },
    },
    answer: warned('Job.bogus: unknown field, ignored'),
  },
  {
    name: 'a query means nothing',
    route: SUBMIT,
    path: '/orchestrator/jobs?limit=x&namespace=y',
    body: { Job: { Type: 'batch', Tasks: [task] } },
    answer: accepted,
  },
  { name: 'every field of a job', route: SUBMIT, body: { Job: full }, answer: accepted },
  { name: 'a legacy WebAssembly job', route: SUBMIT, body: { Job: legacyWasm }, answer: accepted },
  {
    name: 'every field of a job is kept',
    route: 'GET /orchestrator/jobs/{id}',
    path: '/orchestrator/jobs/full',
    models: { 'Submitted.Tasks[]': 'Job.Tasks[]' },
    answer: storedFull,
  },
  {
    name: 'a legacy WebAssembly job is rewritten',
    route: 'GET /orchestrator/jobs/{id}',
    path: '/orchestrator/jobs/legacy-wasm',
    answer: storedWasm,
  },
  {
    name: 'warnings of what is ignored',
    route: SUBMIT,
    body: {
      Job: {
        ...batch({}),
        ID: 'x',
        State: { StateType: 'running' },
        Revision: 1,
        Version: 1,
        CreateTime: 1,
        ModifyTime: 1,
        Meta: { 'bacalhau.org/x': 'y' },
        Tasks: [task, task],
      },
    },
    answer: warned(
      'job state is ignored when submitting a job',
      'job revision is ignored when submitting a job',
      'job version is ignored when submitting a job',
      'job create time is ignored when submitting a job',
      'job modify time is ignored when submitting a job',
      'job ID is ignored when submitting a batch job',
      'only one task is supported per job',
      'job meta key "bacalhau.org/x" is reserved and will be ignored',
    ),
  },
  { name: 'no job', route: SUBMIT, body: {}, status: 400, answer: bad('empty/nil job') },
  { name: 'an empty body', route: SUBMIT, status: 400, answer: bad('empty/nil job') },
  invalid('nothing in it', {}, 'missing job type\nmissing job tasks'),
  invalid('another type', { Type: 'Batch', Tasks: [task] }, 'invalid job type: "Batch"'),
  invalid('a count below zero', { ...batch({}), Count: -1 }, 'job count must be >= 0'),
  invalid(
    'a daemon with a count',
    { ...batch({}), Type: 'daemon', Count: 2 },
    'daemon jobs cannot specify count > 1 as they run on all matching nodes',
  ),
  invalid(
    'a constraint without a key',
    { ...batch({}), Constraints: [{ Operator: '=', Values: ['x'] }] },
    'constraint 1 validation failed: selector key cannot be blank',
  ),
  invalid(
    'a constraint without values',
    { ...batch({}), Constraints: [{ Key: 'a', Operator: 'in' }] },
    'constraint 1 validation failed: selector values cannot be empty for In or NotIn operators',
  ),
  invalid('a task without an engine', batch({ Engine: null }), inTask('invalid engine: nil spec config')),
  invalid('an engine without a type', batch({ Engine: {} }), inTask('invalid engine: missing spec type')),
  invalid(
    'a variable in lower case',
    batch({ Env: { foo: 'x' } }),
    inTask("environment variable 'foo' must be uppercase"),
  ),
  invalid(
    'a timeout below zero',
    batch({ Timeouts: { ExecutionTimeout: -5 } }),
    inTask('invalid timeouts: invalid execution timeout value: -5s'),
  ),
  invalid(
    'an amount that cannot be read',
    batch({ Resources: { CPU: 'x' } }),
    inTask('invalid resources: invalid CPU value: x'),
  ),
  invalid(
    'an input without a target',
    batch({ InputSources: [{ Source: { Type: 'inline' } }] }),
    inTask('invalid input sources: input source is missing a target'),
  ),
  invalid(
    'a result path that is not absolute',
    batch({ ResultPaths: [{ Name: 'a', Path: 'b' }] }),
    inTask('invalid output: result path `b` must be absolute'),
  ),
  invalid(
    'domains without the HTTP network',
    batch({ Network: { Type: 'None', Domains: ['a.com'] } }),
    inTask('invalid network: domains can only be set for HTTP network mode'),
  ),
  invalid(
    'ports without a network of its own',
    batch({ Network: { Type: 'None', Ports: [{ Name: 'a' }] } }),
    inTask('invalid network: ports can only be set for Host or Bridge network modes'),
  ),
  {
    name: 'refused: result paths without a publisher',
    route: SUBMIT,
    body: { Job: batch({ ResultPaths: [{ Name: 'a', Path: '/b' }] }) },
    status: 400,
    answer: bad(inTask('publisher must be set if result paths are set'), 'JobStore', 'BadRequest'),
  },
];
