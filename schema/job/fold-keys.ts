import { z } from 'zod';
import { badRequest } from '../errors.ts';

/** JSON nested deeper than this is refused: SQLite and the stack both end somewhere, and no job needs it. */
const MAX_DEPTH = 100;

/**
 * Prepares a JSON value for `schema` the way Go decodes: keys match whatever their case, unknown keys are dropped,
 * `null` means absent, and text becomes well-formed UTF-16. Values of a wrong type are left for the schema to refuse.
 * What the schema calls `unknown` keeps its keys. Later duplicates of a key win.
 *
 * @throws ShoalError 400 when something is nested too deep or called `__proto__`; nothing else
 * @see Go encoding/json, Decode
 */
export function foldKeys(schema: z.ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodOptional) return foldKeys(schema.def.innerType as z.ZodType, value);
  if (typeof value === 'string') return value.toWellFormed();
  if (schema instanceof z.ZodObject && isObject(value)) return foldObject(schema, value);
  if (schema instanceof z.ZodRecord && isObject(value)) return foldRecord(schema, value);
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    const element = schema.def.element as z.ZodType;
    return value.map((item: unknown) => foldElement(element, item));
  }
  if (schema instanceof z.ZodUnknown) return cleanDeep(value, 0);
  return value;
}

function foldObject(schema: z.ZodObject, value: Readonly<Record<string, unknown>>): unknown {
  const keys = new Map(Object.keys(schema.shape).map((key) => [key.toLowerCase(), key]));
  const folded = new Map<string, unknown>();
  for (const [given, item] of Object.entries(value)) {
    const key = keys.get(given.toLowerCase());
    const field = key === undefined ? undefined : schema.shape[key];
    if (key === undefined || field === undefined || item === null) continue;
    folded.set(key, foldKeys(field as z.ZodType, item));
  }
  return Object.fromEntries(folded);
}

function foldRecord(schema: z.ZodRecord, value: Readonly<Record<string, unknown>>): unknown {
  const field = schema.def.valueType as z.ZodType;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [cleanKey(key), foldElement(field, item)]));
}

/** In a list or a map `null` is the zero value of its type; only text has one that makes sense. */
function foldElement(schema: z.ZodType, value: unknown): unknown {
  return value === null && schema instanceof z.ZodString ? '' : foldKeys(schema, value);
}

function cleanDeep(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) throw badRequest(`JSON is nested deeper than ${MAX_DEPTH} levels`);
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
