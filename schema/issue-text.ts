import { z } from 'zod';
import { shown } from './problems.ts';

/** How a message tells what was given: its kind alone where it may be a secret or is not the reader's own. */
type Given = 'value' | 'kind';

/** What the validation library found, in Shoal's words: `Job.Count: expected a whole number, got string "3"`. */
export interface IssueTextOptions {
  /** The value that was read. */
  readonly root: unknown;
  /** How the value itself is called, should it be what is wrong. */
  readonly whole: string;
  readonly given?: Given;
}

/** One line a problem; the library's own wording never shows. */
export function issueText(issue: z.core.$ZodIssue, { root, whole, given = 'value' }: IssueTextOptions): string {
  let value: unknown = root;
  for (const key of issue.path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  const where = issue.path.length === 0 ? whole : fieldPath(issue.path);
  return `${where}: expected ${expected(issue)}, got ${given === 'value' ? describeValue(value) : kindOf(value)}`;
}

/** What a schema made of a value it could not read, as `issueText` tells it; null for any other error. */
export function readErrorText(error: unknown): string | null {
  if (!(error instanceof z.core.$ZodError)) return null;
  const [issue] = error.issues;
  if (issue === undefined) return 'something else was expected';
  const where = issue.path.length === 0 ? 'the answer' : fieldPath(issue.path);
  return `${where}: expected ${expected(issue)}`;
}

/** `Tasks[0].Env.A`. */
function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? shown(String(key)) : `${text}.${shown(String(key))}`;
  }, '');
}

function expected(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return describeType(issue.expected);
    case 'too_big':
      return bound(issue.origin, 'at most', issue.maximum);
    case 'too_small':
      return bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_key':
    case 'invalid_element': {
      const [inner] = issue.issues;
      return `${issue.code === 'invalid_key' ? 'a key' : 'an entry'} of ${inner === undefined ? 'another form' : expected(inner)}`;
    }
    case 'invalid_format':
    case 'custom':
      return ownWords(issue.message);
    case 'invalid_union':
      return 'options' in issue && issue.options !== undefined
        ? `one of ${issue.options.map(String).join(', ')}`
        : 'something else';
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return 'something else';
  }
}

/** What a schema of ours says itself; what the library says when it does not is no help to anybody. */
function ownWords(message: string): string {
  return /^(Invalid|Too |Unrecognized|Expected)/.test(message) ? 'a text of another form' : message;
}

function bound(origin: string, how: string, limit: number | bigint): string {
  if (origin === 'string') return `${how} ${limit} characters`;
  if (origin === 'array' || origin === 'set' || origin === 'map') return `${how} ${limit} entries`;
  const isEdge = Math.abs(Number(limit)) >= Number.MAX_SAFE_INTEGER;
  return isEdge ? 'a whole number within 53 bits' : `a number of ${how} ${limit}`;
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
      return 'something else';
  }
}

/** The kind of a JSON value and, where that is short, the value itself. */
function describeValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return `${typeof value} ${String(value)}`;
  return typeof value === 'string' ? `string ${JSON.stringify(shown(value))}` : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  return Array.isArray(value) ? 'array' : typeof value;
}
