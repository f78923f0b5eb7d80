import { ShoalError } from '../errors.ts';
import { MAX_LABELS_BYTES, MAX_SPEC_BYTES } from '../limits.ts';
import type { JobSpec } from './job.ts';

const SHOWN_FIELDS = 3;

// The schema compiles without the types of any platform; this one exists wherever it runs.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** Bytes of a value as JSON in UTF-8. */
export function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value) ?? '').length;
}

/** @throws ShoalError 413 that names the largest fields and their sizes */
export function checkSizes(spec: JobSpec): void {
  for (const field of ['Labels', 'Meta'] as const) {
    const bytes = jsonBytes(spec[field]);
    if (bytes > MAX_LABELS_BYTES) throw tooLarge(`Job.${field}`, bytes, MAX_LABELS_BYTES, '');
  }
  const bytes = jsonBytes(spec);
  if (bytes <= MAX_SPEC_BYTES) return;
  const largest = fieldsOf(spec)
    .map(([path, value]) => ({ path, bytes: jsonBytes(value) }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, SHOWN_FIELDS)
    .map((field) => `${field.path} ${field.bytes} bytes`);
  throw tooLarge('job specification', bytes, MAX_SPEC_BYTES, `; largest fields: ${largest.join(', ')}`);
}

function tooLarge(what: string, bytes: number, most: number, largest: string): ShoalError {
  return new ShoalError('PayloadTooLarge', `${what} has ${bytes} bytes, the limit is ${most}${largest}`, {
    component: 'APIServer',
    hint: 'Put large inputs into storage and name them in InputSources.',
  });
}

/** The parts of a document that a user can make smaller, each with its path. */
function fieldsOf(spec: JobSpec): [string, unknown][] {
  const [task] = spec.Tasks;
  const inTask = Object.entries(task).filter(([key]) => key !== 'Engine' && key !== 'InputSources');
  return [
    ...Object.entries(spec)
      .filter(([key]) => key !== 'Tasks')
      .map(([key, value]): [string, unknown] => [`Job.${key}`, value]),
    ...inTask.map(([key, value]): [string, unknown] => [`Job.Tasks[0].${key}`, value]),
    ...Object.entries(task.Engine.Params ?? {}).map(([key, value]): [string, unknown] => [
      `Job.Tasks[0].Engine.Params.${key}`,
      value,
    ]),
    ...(task.InputSources ?? []).map((source, i): [string, unknown] => [`Job.Tasks[0].InputSources[${i}]`, source]),
  ];
}
