import type { JobSpec } from '../../schema/job/job.ts';
import { isReserved } from '../../schema/job/parse-submission.ts';
import { normaliseAmount } from '../../schema/job/resources.ts';

const HASH_CHARS = 32;

/** What counts of a specification: without reserved Meta keys, which the server sets anew with every submission. */
export function canonicalSpec(spec: JobSpec): JobSpec {
  const meta = Object.entries(spec.Meta).filter(([key]) => !isReserved(key));
  const [task] = spec.Tasks;
  const amounts = Object.entries(task.Resources).map(([key, text]) => [key, normaliseAmount(text ?? '')]);
  return { ...spec, Meta: Object.fromEntries(meta), Tasks: [{ ...task, Resources: Object.fromEntries(amounts) }] };
}

/** Equal for specifications that mean the same, whatever the order of their keys. */
export async function specHash(spec: JobSpec): Promise<string> {
  const text = canonicalJson(canonicalSpec(spec));
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
