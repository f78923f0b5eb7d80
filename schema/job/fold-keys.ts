import { z } from 'zod';
import { badRequest } from '../errors.ts';
import { MAX_JOB_MAP, MAX_JSON_DEPTH, MAX_PROBLEMS } from '../limits.ts';

/**
 * Prepares a JSON value for `schema` the way Go decodes: keys match whatever their case, unknown keys are dropped,
 * `null` means absent, and text becomes well-formed UTF-16. Values of a wrong type are left for the schema to refuse:
 * as many as are told, what comes after them is dropped.
 * What the schema calls `unknown` keeps its keys. Later duplicates of a key win.
 *
 * @throws ShoalError 400 when something is nested too deep, called `__proto__`, a number beyond all bounds, or a list
 *   longer than its schema allows; nothing else
 * @see Go encoding/json, Decode
 */
export function foldKeys(schema: z.ZodType, value: unknown): unknown {
  return new Fold().value(schema, value, '');
}

const keysByName = new WeakMap<z.ZodObject, ReadonlyMap<string, string>>();

/** The keys of a schema by their lower-case names. */
export function keysOf(schema: z.ZodObject): ReadonlyMap<string, string> {
  const known = keysByName.get(schema);
  if (known !== undefined) return known;
  const keys = new Map(Object.keys(schema.shape).map((key) => [key.toLowerCase(), key]));
  keysByName.set(schema, keys);
  return keys;
}

class Fold {
  #misfits = 0;

  get #isFull(): boolean {
    return this.#misfits >= MAX_PROBLEMS;
  }

  value(schema: z.ZodType, value: unknown, path: string): unknown {
    if (schema instanceof z.ZodOptional) return this.value(schema.def.innerType as z.ZodType, value, path);
    if (schema instanceof z.ZodUnknown) return cleanDeep(value, 0);
    if (isMisfit(schema, value)) this.#misfits += 1;
    if (typeof value === 'string') return value.toWellFormed();
    if (schema instanceof z.ZodObject && isObject(value)) return this.#object(schema, value, path);
    if (schema instanceof z.ZodRecord && isObject(value)) return this.#record(schema, value, path);
    if (schema instanceof z.ZodArray && Array.isArray(value)) return this.#list(schema, value, path);
    return value;
  }

  #object(schema: z.ZodObject, value: Readonly<Record<string, unknown>>, path: string): unknown {
    const keys = keysOf(schema);
    const folded = new Map<string, unknown>();
    for (const [given, item] of Object.entries(value)) {
      if (this.#isFull) break;
      const key = keys.get(given.toLowerCase());
      const field = key === undefined ? undefined : schema.shape[key];
      if (key === undefined || field === undefined || item === null) continue;
      folded.set(key, this.value(field as z.ZodType, item, path === '' ? key : `${path}.${key}`));
    }
    return Object.fromEntries(folded);
  }

  #record(schema: z.ZodRecord, value: Readonly<Record<string, unknown>>, path: string): unknown {
    const field = schema.def.valueType as z.ZodType;
    const folded: [string, unknown][] = [];
    const entries = Object.entries(value);
    if (entries.length > MAX_JOB_MAP) throw tooMany(path, entries.length, MAX_JOB_MAP);
    for (const [key, item] of entries) {
      if (this.#isFull) break;
      folded.push([cleanKey(key), this.#element(field, item, path)]);
    }
    return Object.fromEntries(folded);
  }

  #list(schema: z.ZodArray, value: readonly unknown[], path: string): unknown {
    const most = mostEntries(schema);
    if (value.length > most) throw tooMany(path, value.length, most);
    const field = schema.def.element as z.ZodType;
    const folded: unknown[] = [];
    for (const item of value) {
      if (this.#isFull) break;
      folded.push(this.#element(field, item, path));
    }
    return folded;
  }

  /** In a list or a map `null` is the zero value of its type; only text has one that makes sense. */
  #element(schema: z.ZodType, value: unknown, path: string): unknown {
    return value === null && schema instanceof z.ZodString ? '' : this.value(schema, value, path);
  }
}

function tooMany(path: string, given: number, most: number): Error {
  return badRequest(`${path}: ${given} entries, at most ${most} are allowed`);
}

/** zod itself looks at the length last, after it has read every entry. */
function mostEntries(schema: z.ZodArray): number {
  const check = schema.def.checks?.find((one) => one instanceof z.core.$ZodCheckMaxLength);
  return check?._zod.def.maximum ?? Infinity;
}

/** Whether the schema will refuse the value for what it is. */
function isMisfit(schema: z.ZodType, value: unknown): boolean {
  if (schema instanceof z.ZodString) return typeof value !== 'string';
  if (schema instanceof z.ZodNumberFormat) return !Number.isSafeInteger(value);
  if (schema instanceof z.ZodNumber) return typeof value !== 'number';
  if (schema instanceof z.ZodBoolean) return typeof value !== 'boolean';
  if (schema instanceof z.ZodArray) return !Array.isArray(value);
  return (schema instanceof z.ZodObject || schema instanceof z.ZodRecord) && !isObject(value);
}

function cleanDeep(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  // JSON has no infinity: it would be stored as null.
  if (typeof value === 'number' && !Number.isFinite(value)) throw badRequest('a number is too large to be kept');
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_JSON_DEPTH) throw badRequest(`JSON is nested deeper than ${MAX_JSON_DEPTH} levels`);
  if (Array.isArray(value)) return value.map((item: unknown) => cleanDeep(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [cleanKey(key), cleanDeep(item, depth + 1)]));
}

/** Readers of JSON drop this one key, or take it for something else: better to say so than to lose it. */
function cleanKey(key: string): string {
  if (key === '__proto__') throw badRequest('the key "__proto__" is not allowed');
  return key.toWellFormed();
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
