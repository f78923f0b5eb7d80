import type { z } from 'zod';
import { badRequest } from '../errors.ts';
import { issueText } from '../issue-text.ts';
import { MAX_PROBLEMS } from '../limits.ts';
import { problemText } from '../problems.ts';
import { foldKeys } from './fold-keys.ts';

/**
 * Reads a JSON value as `schema`, as leniently as `foldKeys`.
 *
 * @throws ShoalError 400 with one line a problem: the field's path, what it may be, what was given
 */
export function bind<T>(schema: z.ZodType<T>, value: unknown): T {
  const folded = foldKeys(schema, value);
  const read = schema.safeParse(folded);
  if (read.success) return read.data;
  const issues = read.error.issues.slice(0, MAX_PROBLEMS);
  throw badRequest(problemText(issues.map((issue) => issueText(issue, { root: folded, whole: 'request body' }))));
}
