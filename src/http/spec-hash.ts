import canonicalize from 'canonicalize';
import type { JobSpec } from '../../schema/job/job.ts';
import { isReserved } from '../../schema/job/parse-submission.ts';
import { normaliseAmount } from '../../schema/job/resources.ts';
import { sha256Hex } from '../crypto.ts';

const HASH_CHARS = 32;

/** What counts of a specification: without reserved Meta keys, which the server sets anew with every submission. */
export function canonicalSpec(spec: JobSpec): JobSpec {
  const meta = Object.entries(spec.Meta).filter(([key]) => !isReserved(key));
  const [task] = spec.Tasks;
  const amounts = Object.entries(task.Resources).map(([key, text]) => [key, normaliseAmount(text ?? '')]);
  return { ...spec, Meta: Object.fromEntries(meta), Tasks: [{ ...task, Resources: Object.fromEntries(amounts) }] };
}

/** Equal for specifications that mean the same, whatever the order of their keys. Kept with jobs: it may not change. */
export async function specHash(spec: JobSpec): Promise<string> {
  return (await sha256Hex(canonicalize(canonicalSpec(spec)) ?? '')).slice(0, HASH_CHARS);
}
