import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { parse } from 'yaml';
import { parseSubmission } from '../../schema/job/parse-submission.ts';
import { makeFakeApi } from '../fakes/api.ts';

/** Every kind of job document of the reference, as users write it; the command line turns YAML into JSON. */
const FOLDER = new URL('./', import.meta.url);
const files = readdirSync(FOLDER).filter((name) => /\.(yaml|json)$/.test(name));

describe('documents', () => {
  for (const file of files) {
    const document = parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Record<string, unknown>;
    test(`${file} is taken, without warnings, and shown as it is stored`, async ({ expect }) => {
      const { spec, warnings } = parseSubmission({ Job: document });
      expect(warnings).toEqual([]);
      expect(parseSubmission({ Job: spec }).spec).toEqual(spec);
      const { send } = makeFakeApi();
      const got = await send('PUT', '/api/v1/orchestrator/jobs', { Job: document });
      expect(got.status).toBe(200);
      const { Job } = (await send('GET', `/api/v1/orchestrator/jobs/${got.json().JobID}`)).json();
      expect(Job).toMatchObject({ Name: spec.Name, Type: spec.Type, Tasks: spec.Tasks });
    });
  }

  test('are of every type, engine, network, source and publisher', ({ expect }) => {
    const specs = files.map(
      (file) => parseSubmission({ Job: parse(readFileSync(new URL(file, FOLDER), 'utf8')) }).spec,
    );
    const of = (values: readonly string[]) => [...new Set(values)].toSorted();
    expect(of(specs.map(({ Type }) => Type))).toEqual(['batch', 'daemon', 'ops', 'service']);
    expect(of(specs.map(({ Tasks: [task] }) => task.Engine.Type))).toEqual(['docker', 'noop', 'wasm']);
    expect(of(specs.map(({ Tasks: [task] }) => task.Network.Type))).toEqual([
      'Bridge',
      'Default',
      'Full',
      'HTTP',
      'None',
    ]);
    const sources = specs.flatMap(({ Tasks: [task] }) => (task.InputSources ?? []).map(({ Source }) => Source.Type));
    expect(of(sources)).toEqual(['inline', 'ipfs', 'local', 's3', 's3PreSigned', 'urlDownload']);
    expect(of(specs.map(({ Tasks: [task] }) => task.Publisher.Type))).toEqual(['', 'local', 'noop', 's3', 's3managed']);
  });

  test('modules of a legacy WebAssembly job become inputs', ({ expect }) => {
    const text = readFileSync(new URL('legacy-wasm.yaml', FOLDER), 'utf8');
    const [task] = parseSubmission({ Job: parse(text) }).spec.Tasks;
    expect(task.Engine.Params).toEqual({
      EntryModule: '/wasm/entry.wasm',
      ImportModules: ['/lib.wasm', '/wasm/imports/module_1.wasm'],
    });
    expect((task.InputSources ?? []).map(({ Target, Alias }) => [Target, Alias])).toEqual([
      ['/wasm/entry.wasm', ''],
      ['/lib.wasm', 'lib'],
      ['/wasm/imports/module_1.wasm', ''],
    ]);
  });
});
