import type { z } from 'zod';
import { badRequest } from '../errors.ts';
import { MAX_PROBLEMS } from '../limits.ts';
import { problemText, shown } from '../problems.ts';
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
  throw badRequest(problemText(read.error.issues.slice(0, MAX_PROBLEMS).map((issue) => describe(issue, folded))));
}

function describe(issue: z.core.$ZodIssue, root: unknown): string {
  let given: unknown = root;
  for (const key of issue.path) given = (given as Record<PropertyKey, unknown> | undefined)?.[key];
  const where = issue.path.length === 0 ? 'request body' : fieldPath(issue.path);
  const wanted = issue.code === 'invalid_type' ? describeType(issue.expected) : allowed(issue);
  return `${where}: expected ${wanted}, got ${describeValue(given)}`;
}

function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

function describeType(type: string): string {
  switch (type) {
    case 'string':
      return 'a string';
    case 'int':
    case 'number':
      return 'a whole number';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'an array';
    case 'object':
    case 'record':
      return 'an object';
    default:
      return type;
  }
}

function allowed(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_big' || issue.code === 'too_small') return 'a whole number within 53 bits';
  return issue.message;
}

/** The kind of a JSON value and, where that is short, the value itself. */
function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number' || typeof value === 'boolean') return `${typeof value} ${String(value)}`;
  if (typeof value !== 'string') return value === undefined ? 'nothing' : 'object';
  return `string ${JSON.stringify(shown(value))}`;
}
