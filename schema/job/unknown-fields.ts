import { z } from 'zod';
import { shown } from '../problems.ts';
import { keysOf } from './fold-keys.ts';
import { SubmissionInput } from './input.ts';
import { nearest } from './nearest.ts';
import { paramNames, type ParamsPlace } from './param-names.ts';

/** What clients send that is no part of the schema: ignored on purpose, and no mistake of theirs. */
const silent: ReadonlySet<string> = new Set(['namespace', 'credential', 'job.state.message', 'job.state.details']);

const places: ReadonlySet<string> = new Set<ParamsPlace>(['Engine', 'Publisher', 'Source']);

/** Takes one field that is not known; the text is made only when it is wanted. */
type Note = (text: () => string) => void;

/**
 * Looks for fields of a submission that nobody will read, each with the nearest name that there is.
 * @param body  one that `SubmissionInput` has taken
 */
export function findUnknownFields(body: unknown, note: Note): void {
  walk(SubmissionInput, body, { path: '', place: '', note });
}

interface Here {
  readonly path: string;
  /** The key under which the value stands. */
  readonly place: string;
  readonly note: Note;
}

function walk(schema: z.ZodType, value: unknown, here: Here): void {
  if (schema instanceof z.ZodOptional) return walk(schema.def.innerType as z.ZodType, value, here);
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    const element = schema.def.element as z.ZodType;
    value.forEach((item, i) => walk(element, item, { ...here, path: `${here.path}[${i}]` }));
  }
  if (!(schema instanceof z.ZodObject) || !isObject(value)) return;
  const keys = keysOf(schema);
  for (const [given, item] of Object.entries(value)) {
    const key = keys.get(given.toLowerCase());
    const path = here.path === '' ? (key ?? given) : `${here.path}.${key ?? given}`;
    if (key !== undefined) walk(schema.shape[key] as z.ZodType, item, { ...here, path, place: key });
    else if (!silent.has(path.toLowerCase())) here.note(() => textOf(path, given, [...keys.values()]));
  }
  if (places.has(here.place)) checkParams(value, here as Here & { readonly place: ParamsPlace });
}

/** Of types whose parameters are known here. */
function checkParams(
  config: Readonly<Record<string, unknown>>,
  { path, place, note }: Here & { place: ParamsPlace },
): void {
  const fields = new Map(Object.entries(config).map(([key, value]) => [key.toLowerCase(), value]));
  const [type, params] = [fields.get('type'), fields.get('params')];
  const names = typeof type === 'string' ? byType(place, type.trim().toLowerCase()) : undefined;
  if (names === undefined || !isObject(params)) return;
  const known = new Set(names.map((name) => name.toLowerCase()));
  for (const given of Object.keys(params)) {
    if (!known.has(given.toLowerCase())) note(() => textOf(`${path}.Params.${given}`, given, names));
  }
}

function byType(place: ParamsPlace, type: string): readonly string[] | undefined {
  return Object.hasOwn(paramNames[place], type) ? paramNames[place][type] : undefined;
}

function textOf(path: string, given: string, known: readonly string[]): string {
  const meant = nearest(given, known) ?? elsewhere.get(given.toLowerCase());
  const where = `${shown(path.slice(0, path.length - given.length))}${shown(given)}`;
  return `${where}: unknown field, ignored${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

/** Names that belong to one place alone, with their path: fields are put a level too high or too low. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ...uniquePaths(),
  ...(paramNames.Engine['docker']?.map((name): [string, string] => [
    name.toLowerCase(),
    `Job.Tasks[0].Engine.Params.${name}`,
  ]) ?? []),
]);

function uniquePaths(): [string, string][] {
  const found = new Map<string, string[]>();
  const visit = (schema: z.ZodType, path: string): void => {
    if (schema instanceof z.ZodOptional) return visit(schema.def.innerType as z.ZodType, path);
    if (schema instanceof z.ZodArray) return visit(schema.def.element as z.ZodType, `${path}[0]`);
    if (!(schema instanceof z.ZodObject)) return;
    for (const [key, field] of Object.entries(schema.shape)) {
      const below = path === '' ? key : `${path}.${key}`;
      found.set(key.toLowerCase(), [...(found.get(key.toLowerCase()) ?? []), below]);
      visit(field as z.ZodType, below);
    }
  };
  visit(SubmissionInput, '');
  // `ResourcesConfig` is another spelling, and not where anybody should be sent.
  return [...found].flatMap(([name, all]): [string, string][] => {
    const [only, ...others] = all.filter((path) => !path.includes('.ResourcesConfig'));
    return only === undefined || others.length > 0 ? [] : [[name, only]];
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
