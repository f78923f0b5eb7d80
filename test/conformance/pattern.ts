/**
 * What a response's JSON must be: the same keys in the same order, the same values, numbers spelt the same. Where a value
 * is not known before, a matcher tells its form.
 */
export type Pattern =
  | Matcher
  | string
  | number
  | boolean
  | null
  | readonly Pattern[]
  | { readonly [key: string]: Pattern };

/** A value known by its JSON text alone. */
export class Matcher {
  readonly name: string;
  readonly #form: RegExp;

  constructor(name: string, form: RegExp) {
    this.name = name;
    this.#form = form;
  }

  takes(source: string): boolean {
    return this.#form.test(source);
  }
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const make = (name: string, form: string) => new Matcher(name, new RegExp(`^${form}$`));

export const uuid = make('a bare uuid', `"${UUID}"`);
export const aJobId = make('a job id', `"j-${UUID}"`);
/** Nineteen digits, no exponent, no decimals: more than a JavaScript number holds. */
export const nanos = make('Unix nanoseconds', '1[0-9]{18}');
export const time = make('an RFC 3339 time', '"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\\.[0-9]{1,9})?Z"');
export const text = make('a text that is not empty', '"[^"]+"');
export const containing = (part: string) =>
  new Matcher(`a text with ${part}`, new RegExp(part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')));
/** Any value: what it is does not belong to the contract. */
export const anything = make('anything', '[\\s\\S]*');

/** A value with the text it was written as. */
interface Source {
  readonly value: unknown;
  readonly source: string;
}

type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;
// The third argument is part of ECMAScript, but not in the library's types yet.
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** Where the text differs from the pattern, one line a place; none when it does not. */
export function mismatches(pattern: Pattern, json: string): string[] {
  let read: Source;
  try {
    read = parse(json, (_key, value, context) => ({ value, source: context?.source ?? '' })) as Source;
  } catch {
    return [`no JSON: ${json.slice(0, 200)}`];
  }
  return compare('', pattern, read);
}

function compare(path: string, pattern: Pattern, { value, source }: Source): string[] {
  const here = path === '' ? 'body' : path;
  if (pattern instanceof Matcher) {
    const shown = source === '' ? JSON.stringify(plain(value)) : source;
    return pattern.takes(shown) ? [] : [`${here}: ${shown} is not ${pattern.name}`];
  }
  if (Array.isArray(pattern)) {
    if (!Array.isArray(value)) return [`${here}: not an array`];
    if (value.length !== pattern.length) return [`${here}: ${value.length} items for ${pattern.length}`];
    return pattern.flatMap((item, i) => compare(`${path}[${i}]`, item, value[i] as Source));
  }
  if (typeof pattern === 'object' && pattern !== null) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${here}: not an object`];
    const [wanted, given] = [Object.keys(pattern).join(', '), Object.keys(value).join(', ')];
    if (wanted !== given) return [`${here}: keys ${given} for ${wanted}`];
    const sources = value as Record<string, Source>;
    return Object.entries(pattern).flatMap(([key, item]) =>
      compare(path === '' ? key : `${path}.${key}`, item, sources[key] as Source),
    );
  }
  return value === pattern ? [] : [`${here}: ${JSON.stringify(value)} for ${JSON.stringify(pattern)}`];
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: Source) => plain(item.value));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain((item as Source).value)]));
}

/** A number spelt exactly so. */
export const digits = (source: string) => make(source, source);
