import { shownRoutes } from '../examples/run-examples.ts';
import type { Case } from './case.ts';
import { deviations, type Deviation } from './deviations.ts';
import { Matcher, type Pattern } from './pattern.ts';
import { models, routes } from './reference.ts';

/** A row of docs/compatibility.md. */
export interface Row {
  readonly item: string;
  readonly verdict: 'yes' | 'better' | 'no';
  readonly reason: string;
  /** A case's name, or `file › part of a test's name`; empty only for what is not served. */
  readonly test: string;
}

interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Every item of the reference with the case that shows it. @throws Error when an item has neither case nor reason */
export function sections(cases: readonly Case[]): readonly Section[] {
  const known = new Map(deviations.map((deviation) => [deviation.item, deviation]));
  const row = (item: string, shown: Case | undefined): Row => {
    const deviation = known.get(item);
    known.delete(item);
    if (deviation !== undefined) return rowOf(deviation);
    if (shown === undefined) throw new Error(`nothing shows ${item}, and nothing says why`);
    return { item, verdict: 'yes', reason: '', test: shown.name };
  };
  const ofRoutes = routes.flatMap(({ route, query = [], body = [] }) => {
    const own = cases.filter((item) => item.route === route);
    const shows = (name: string) => own.find((item) => item.shows?.includes(name));
    return [
      row(route, own[0]),
      ...query.map((name) => row(name === 'id' ? `${route} id` : `${route} ?${name}`, shows(name))),
      ...body.map((name) => row(`${route} body ${name}`, shows(name))),
    ];
  });
  const fields = fieldsShown(cases);
  const ofModels = Object.entries(models).flatMap(([model, names]) =>
    names.map((name) => row(`${model}.${name}`, fields.get(`${model}.${name}`))),
  );
  return [
    { title: 'Routes and what they take', rows: ofRoutes },
    { title: 'Fields of answers', rows: ofModels },
    { title: 'Behaviour', rows: [...known.values()].map(rowOf) },
  ];
}

function rowOf({ item, verdict, reason, test = '' }: Deviation): Row {
  return { item, verdict, reason, test };
}

/** `Model.field` with the first case whose expected answer has it. */
function fieldsShown(cases: readonly Case[]): ReadonlyMap<string, Case> {
  const shown = new Map<string, Case>();
  for (const item of cases) {
    for (const field of fieldsOf(item)) if (!shown.has(field)) shown.set(field, item);
  }
  return shown;
}

function fieldsOf({ models: places = {}, answer }: Case): string[] {
  return Object.entries(places).flatMap(([model, path]) =>
    find(answer, path === '' ? [] : path.split('.'))
      .flatMap(paths)
      .map((field) => `${model}.${field}`),
  );
}

/** What stands at a path; `Items[]` are all items. */
function find(pattern: Pattern | { readonly text: string }, path: readonly string[]): readonly Pattern[] {
  const [first, ...rest] = path;
  if (first === undefined) return [pattern];
  if (typeof pattern !== 'object' || pattern === null || pattern instanceof Matcher || Array.isArray(pattern))
    return [];
  const name = first.replace('[]', '');
  const value = (pattern as Readonly<Record<string, Pattern>>)[name];
  if (value === undefined) return [];
  const parts: readonly Pattern[] = first.endsWith('[]') && Array.isArray(value) ? value : [value];
  return parts.flatMap((part) => find(part, rest));
}

/** Every path below a pattern, inner ones too. */
function paths(pattern: Pattern): string[] {
  if (typeof pattern !== 'object' || pattern === null || pattern instanceof Matcher) return [];
  if (Array.isArray(pattern)) return pattern.flatMap((item: Pattern) => paths(item).map((path) => `[].${path}`));
  return Object.entries(pattern).flatMap(([key, value]) => {
    const below = paths(value).map((path) => (path.startsWith('[]') ? `${key}${path}` : `${key}.${path}`));
    return [key, ...below];
  });
}

/** A route as the reference writes it. */
export function nameOf({ method, path }: { readonly method: string; readonly path: string }): string {
  return `${method.toUpperCase()} ${path.replace('/api/v1', '')}`;
}

/** What Shoal serves beside the reference, from the table of routes. */
function ownRoutes(): string {
  const known = new Set(routes.map(({ route }) => route));
  const own = shownRoutes.filter((route) => !known.has(nameOf(route)));
  const lines = own.map((route) => `| ${nameOf(route)} | ${escape(route.shown.summary)} | ${route.needs} |`);
  return ['## Routes of Shoal’s own', '', '| route | what it does | needs |', '|---|---|---|', ...lines].join('\n');
}

/** The page, as it is checked in. */
export function render(cases: readonly Case[]): string {
  const parts = sections(cases).map(({ title, rows }) => {
    const lines = rows.map(
      ({ item, verdict, reason, test }) => `| ${escape(item)} | ${verdict} | ${escape(reason)} | ${escape(test)} |`,
    );
    return [`## ${title}`, '', '| what | served | why | shown by |', '|---|---|---|---|', ...lines].join('\n');
  });
  return `${INTRODUCTION}\n\n${[...parts, ownRoutes()].join('\n\n')}\n`;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}

const INTRODUCTION = `# Compatibility with Bacalhau

Shoal serves Bacalhau's HTTP API as of v1.9.3. This page has a row for each route, parameter and field of that API. "yes" is
served as there, "better" differs on purpose, "no" is left out; each difference says why. A row without a file names a case
of the table in \`test/conformance\`, which runs against the real Worker. The page is written from that table and
from the table of routes by \`npm run docs\`; paths are those below \`/api/v1\`, but for \`/\`, \`/version\` and \`/livez\`.`;
