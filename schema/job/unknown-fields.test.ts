import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PROBLEMS } from '../limits.ts';
import { nearest } from './nearest.ts';
import { parseSubmission } from './parse-submission.ts';

const params = { Image: 'busybox' };
const task = { Name: 'main', Engine: { Type: 'docker', Params: params } };
const job = { Name: 'x', Type: 'batch', Tasks: [task] };
const warningsOf = (Job: object, more: object = {}) => parseSubmission({ Job, ...more }).warnings;
const inTask = (more: object) => warningsOf({ ...job, Tasks: [{ ...task, ...more }] });
const inEngine = (Engine: object) => inTask({ Engine });

describe('a field that is not known', () => {
  test.each([
    ['the body', warningsOf(job, { Forse: true }), 'Forse: unknown field, ignored; did you mean Force?'],
    [
      'a job',
      warningsOf({ ...job, Constraits: [] }),
      'Job.Constraits: unknown field, ignored; did you mean Constraints?',
    ],
    ['a job, null', warningsOf({ ...job, Lables: null }), 'Job.Lables: unknown field, ignored; did you mean Labels?'],
    ['a job, like nothing', warningsOf({ ...job, Schedule: '* * * * *' }), 'Job.Schedule: unknown field, ignored'],
    [
      'a state',
      warningsOf({ ...job, State: { StateTyp: '' } }),
      'Job.State.StateTyp: unknown field, ignored; did you mean StateType?',
    ],
    [
      'a constraint',
      warningsOf({ ...job, Constraints: [{ Key: 'a', Operator: 'exists', Value: 'x' }] }),
      'Job.Constraints[0].Value: unknown field, ignored; did you mean Values?',
    ],
    ['a task', inTask({ Inputs: [] }), 'Job.Tasks[0].Inputs: unknown field, ignored; did you mean InputSources?'],
    [
      'an engine',
      inEngine({ Type: 'docker', Parms: {}, Params: params }),
      'Job.Tasks[0].Engine.Parms: unknown field, ignored; did you mean Params?',
    ],
    [
      'its parameters',
      inEngine({ Type: ' Docker ', Params: { ...params, Entrypiont: ['sh'] } }),
      'Job.Tasks[0].Engine.Params.Entrypiont: unknown field, ignored; did you mean Entrypoint?',
    ],
    [
      'its parameters, keys in another case',
      inEngine({ type: 'docker', params: { image: 'x', env: [] } }),
      'Job.Tasks[0].Engine.Params.env: unknown field, ignored; did you mean EnvironmentVariables?',
    ],
    [
      'a network',
      inTask({ Network: { Domain: [] } }),
      'Job.Tasks[0].Network.Domain: unknown field, ignored; did you mean Domains?',
    ],
    [
      'a port',
      inTask({ Network: { Type: 'Bridge', Ports: [{ Name: 'a', Traget: 80 }] } }),
      'Job.Tasks[0].Network.Ports[0].Traget: unknown field, ignored; did you mean Target?',
    ],
    [
      'resources',
      inTask({ Resources: { Mem: '1gb' } }),
      'Job.Tasks[0].Resources.Mem: unknown field, ignored; did you mean Memory?',
    ],
    [
      'timeouts',
      inTask({ Timeouts: { ExecutionTimout: 1 } }),
      'Job.Tasks[0].Timeouts.ExecutionTimout: unknown field, ignored; did you mean ExecutionTimeout?',
    ],
    [
      'an input',
      inTask({ InputSources: [{ Source: { Type: 's3', Params: { Bukcet: 'b' } }, Target: '/a' }] }),
      'Job.Tasks[0].InputSources[0].Source.Params.Bukcet: unknown field, ignored; did you mean Bucket?',
    ],
    [
      'a publisher',
      inTask({ Publisher: { Type: 's3', Params: { Buckets: 'b' } } }),
      'Job.Tasks[0].Publisher.Params.Buckets: unknown field, ignored; did you mean Bucket?',
    ],
    [
      'a result path',
      inTask({ Publisher: { Type: 'local' }, ResultPaths: [{ Name: 'a', Path: '/a', Pth: '' }] }),
      'Job.Tasks[0].ResultPaths[0].Pth: unknown field, ignored; did you mean Path?',
    ],
    [
      'a level too high',
      inTask({ Image: 'busybox' }),
      'Job.Tasks[0].Image: unknown field, ignored; did you mean Job.Tasks[0].Engine.Params.Image?',
    ],
    [
      'two levels too high',
      warningsOf({ ...job, ExecutionTimeout: 5 }),
      'Job.ExecutionTimeout: unknown field, ignored; did you mean Job.Tasks[0].Timeouts.ExecutionTimeout?',
    ],
  ])('of %s is named with what was meant', (_, warnings, text) => {
    expect(warnings).toEqual([text]);
  });

  test('does not go by the parameters of engines that are not known here', () => {
    expect(inEngine({ Type: 'lambda', Params: { Entrypiont: 1 } })).toEqual([]);
    expect(inEngine({ Type: 'constructor', Params: { Entrypiont: 1 } })).toEqual([]);
  });

  test('is none where any key may stand', () => {
    const maps = { Meta: { Entrypiont: 'a' }, Labels: { b: 'c' } };
    expect(warningsOf({ ...job, ...maps, Tasks: [{ ...task, Env: { ENTRYPIONT: 'a' }, Meta: { d: 'e' } }] })).toEqual(
      [],
    );
  });

  test('is none that clients send and nobody reads, nor one in another case or another spelling', () => {
    const state = { StateType: 'Undefined', Message: '', Details: {} };
    const lower = { name: 'x', type: 'batch', tasks: [{ ...task, ResourcesConfig: { cpu: '1' } }], state };
    expect(warningsOf(lower, { Namespace: '', Credential: null, idempotencytoken: '' })).toEqual([]);
  });

  test('changes nothing of the job', () => {
    const { spec } = parseSubmission({ Job: { ...job, Constraits: [1] } });
    expect(spec).toEqual(parseSubmission({ Job: job }).spec);
  });
});

describe('of many warnings', () => {
  test('ten are told, and how many more there are', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`Countt${i}`, i]));
    const warnings = warningsOf({ ...job, ...many, Version: 3 });
    expect(warnings).toHaveLength(MAX_PROBLEMS + 1);
    expect(warnings[0]).toBe('job version is ignored when submitting a job');
    expect(warnings.at(-1)).toBe('(and 4991 more)');
  });

  test('a long name is cut', () => {
    const [warning = ''] = warningsOf({ ...job, ['X'.repeat(100_000)]: 1 });
    expect(warning.length).toBeLessThan(200);
  });
});

describe('the nearest name', () => {
  const known = ['Name', 'Count', 'Constraints', 'InputSources', 'Entrypoint'];
  test('is the name itself, whatever its case, and one with two neighbours exchanged', () => {
    fc.assert(
      fc.property(fc.constantFrom(...known), fc.nat(8), (name, at) => {
        expect(nearest(name.toUpperCase(), known)).toBe(name);
        const i = Math.min(at, name.length - 2);
        const swapped = `${name.slice(0, i)}${name.charAt(i + 1)}${name.charAt(i)}${name.slice(i + 2)}`;
        expect(nearest(swapped, known)).toBe(name);
      }),
    );
  });
  test.each(['', 'x', 'in', 'Volumes', 'a'.repeat(10_000)])('of %j is none', (text) => {
    expect(nearest(text, known)).toBeNull();
  });
});
