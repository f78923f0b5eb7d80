import { badRequest } from './errors.ts';

/**
 * Label selectors in Kubernetes' text form: `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k>5`,
 * `k<5`, joined by commas that mean "and".
 * @see Kubernetes apimachinery pkg/labels
 */
export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  /** One or more for `in` and `notin`; one integer for `gt` and `lt`; else empty. */
  readonly values: readonly string[];
}

export type Operator = 'in' | 'notin' | 'exists' | 'absent' | 'gt' | 'lt';

/** A selector with more requirements or text than this is refused. */
const MAX_REQUIREMENTS = 20;
const MAX_SELECTOR_CHARS = 4096;

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const DNS_PREFIX = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const TOKEN = /\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)/y;

/**
 * Reads selectors; an empty list or empty texts select everything.
 * @throws ShoalError 400 that says what was found and what was expected
 */
export function parseSelector(texts: readonly string[]): readonly Requirement[] {
  const text = texts.filter((part) => part.trim() !== '').join(',');
  if (text.length > MAX_SELECTOR_CHARS) throw unreadable(`longer than ${MAX_SELECTOR_CHARS} characters`);
  const tokens = tokenise(text);
  const requirements: Requirement[] = [];
  for (let at = 0; at < tokens.length;) {
    const { requirement, next } = parseRequirement(tokens, at);
    requirements.push(requirement);
    if (requirements.length > MAX_REQUIREMENTS) throw unreadable(`more than ${MAX_REQUIREMENTS} requirements`);
    if (next < tokens.length && tokens[next] !== ',') throw unexpected(tokens[next], "',' or end");
    if (next === tokens.length - 1) throw unexpected(undefined, "identifier after ','");
    at = next + 1;
  }
  return requirements;
}

/** Whether labels meet all requirements; `!=` and `notin` are also met where the key is absent. */
export function matchesSelector(
  requirements: readonly Requirement[],
  labels: Readonly<Record<string, string>>,
): boolean {
  return requirements.every(({ key, operator, values }) => labelMeets(operator, labelOf(labels, key), values));
}

/** The label of a key, or undefined: keys such as `toString` are found on every object. */
export function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** Whether one label meets a requirement; `value` is undefined where there is none. The law of all selectors. */
export function labelMeets(operator: Operator, value: string | undefined, values: readonly string[]): boolean {
  return operators[operator](value, values);
}

const operators: Readonly<Record<Operator, (value: string | undefined, values: readonly string[]) => boolean>> = {
  in: (value, values) => value !== undefined && values.includes(value),
  notin: (value, values) => value === undefined || !values.includes(value),
  exists: (value) => value !== undefined,
  absent: (value) => value === undefined,
  gt: (value, [bound]) => compareIntegers(value, bound) > 0,
  lt: (value, [bound]) => compareIntegers(value, bound) < 0,
};

/** Above 0, 0 or below 0 as `a` is larger, equal or smaller; NaN, which is none of them, when either is no integer. */
function compareIntegers(a: string | undefined, b: string | undefined): number {
  const [left, right] = [readInteger(a), readInteger(b)];
  if (left === null || right === null) return Number.NaN;
  return left > right ? 1 : left < right ? -1 : 0;
}

const MAX_INTEGER = 2n ** 63n - 1n;
const MIN_INTEGER = -(2n ** 63n);
/** Digits behind a sign and zeros; longer ones are beyond the bounds. */
const INTEGER = /^[+-]?0*\d{1,19}$/;

/** A decimal integer of 64 bits with or without sign and leading zeros; else null. @see Go strconv.ParseInt */
function readInteger(text: string | undefined): bigint | null {
  if (text === undefined || !INTEGER.test(text)) return null;
  const integer = BigInt(text);
  return integer >= MIN_INTEGER && integer <= MAX_INTEGER ? integer : null;
}

function tokenise(text: string): string[] {
  return [...text.trim().matchAll(new RegExp(TOKEN.source, 'g'))].map((match) => match[1] ?? '');
}

function parseRequirement(tokens: readonly string[], at: number): { requirement: Requirement; next: number } {
  if (tokens[at] === '!') {
    const key = readKey(tokens[at + 1]);
    return { requirement: { key, operator: 'absent', values: [] }, next: at + 2 };
  }
  const key = readKey(tokens[at]);
  const operator = tokens[at + 1];
  if (operator === undefined || operator === ',') {
    return { requirement: { key, operator: 'exists', values: [] }, next: at + 1 };
  }
  if (operator === 'in' || operator === 'notin') {
    const { values, next } = parseValues(tokens, at + 2);
    return { requirement: { key, operator, values }, next };
  }
  const kind = comparisons.get(operator);
  if (kind === undefined) throw unexpected(operator, "one of: '=', '!=', '==', 'in', 'notin', '<', '>'");
  const given = tokens[at + 2];
  // `k=` and `k=,...` compare with the empty text.
  const value = given === undefined || given === ',' ? '' : given;
  checkValue(value);
  if ((kind === 'gt' || kind === 'lt') && readInteger(value) === null) throw unexpected(given, 'an integer');
  return { requirement: { key, operator: kind, values: [value] }, next: value === '' ? at + 2 : at + 3 };
}

const comparisons: ReadonlyMap<string, Operator> = new Map([
  ['=', 'in'],
  ['==', 'in'],
  ['!=', 'notin'],
  ['>', 'gt'],
  ['<', 'lt'],
]);

/** `(a,b)`; an empty place between commas is the empty text. */
function parseValues(tokens: readonly string[], open: number): { values: string[]; next: number } {
  if (tokens[open] !== '(') throw unexpected(tokens[open], "'('");
  const values: string[] = [];
  let value = '';
  for (let at = open + 1; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    if (token === ',' || token === ')') {
      checkValue(value);
      values.push(value);
      value = '';
      if (token === ')') return { values, next: at + 1 };
    } else {
      if (value !== '') throw unexpected(token, "',' or ')'");
      value = token;
    }
  }
  throw unexpected(undefined, "',' or ')'");
}

function readKey(token: string | undefined): string {
  if (token === undefined || /^[=!(),<>]/.test(token)) throw unexpected(token, 'identifier');
  const slash = token.indexOf('/');
  const name = token.slice(slash + 1);
  const prefix = slash < 0 ? 'prefix' : token.slice(0, slash);
  if (!NAME.test(name) || !DNS_PREFIX.test(prefix) || prefix.length > 253) {
    throw unreadable(`invalid label key ${JSON.stringify(token)}`);
  }
  return token;
}

function checkValue(value: string): void {
  if (value !== '' && !NAME.test(value)) throw unreadable(`invalid label value ${JSON.stringify(value)}`);
}

function unexpected(found: string | undefined, expected: string): Error {
  return unreadable(`found '${found ?? ''}', expected: ${expected}`);
}

function unreadable(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`);
}
