import type { JobSpec } from './job.ts';
import { isReserved } from './parse-submission.ts';
import { normaliseAmount } from './resources.ts';

// The schema compiles without the types of any platform; these two exist wherever it runs.
declare const crypto: { subtle: { digest(algorithm: 'SHA-256', data: Uint8Array): Promise<ArrayBuffer> } };
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const HASH_CHARS = 32;

/**
 * Hash of what a user asked for: equal for specifications that mean the same, whatever the order of their keys. Reserved
 * Meta keys do not count, since the server sets them anew with every submission.
 */
export async function specHash(spec: JobSpec): Promise<string> {
  const meta = Object.entries(spec.Meta).filter(([key]) => !isReserved(key));
  const tasks = spec.Tasks.map((task) => ({
    ...task,
    Resources: Object.fromEntries(
      Object.entries(task.Resources).map(([key, text]) => [key, normaliseAmount(text ?? '')]),
    ),
  }));
  const text = canonicalJson({ ...spec, Meta: Object.fromEntries(meta), Tasks: tasks });
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return [...digest]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .slice(0, HASH_CHARS);
}

/** JSON with the keys of every object in order. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
  return `{${entries.join(',')}}`;
}
