import type { z } from 'zod';
import type { ErrorStatus } from '../../../schema/errors.ts';
import { bind } from '../../../schema/job/bind.ts';
import type { Needs } from '../auth/needs.ts';
import { readJsonBody } from '../body.ts';
import type { Ctx, Deps } from '../deps.ts';
import { answer } from '../json.ts';
import { MAX_UINT32, Query } from '../query.ts';

/** What the query may hold, by the type of a parameter. */
interface Values {
  readonly text: string;
  /** Given any number of times. */
  readonly texts: readonly string[];
  readonly flag: boolean;
  readonly uint: number;
  readonly uint32: number;
  readonly int: number;
}

/** A parameter of the query. All are optional, and empty means absent: then it is empty, false or 0. */
export interface Parameter {
  readonly type: keyof Values;
  readonly description: string;
  readonly values?: readonly string[];
}

export type Parameters = Readonly<Record<string, Parameter>>;
type QueryOf<P extends Parameters> = { readonly [K in keyof P]: Values[P[K]['type']] };

/** A request that is answered as the route says; a test sends it. */
interface Example {
  /** Parts of the path. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** What is sent where it is no JSON of a schema. */
export interface Plain {
  readonly mediaType: 'text/plain' | 'text/html' | 'application/json';
  readonly description: string;
}

/** How `openapi.json` shows a route. */
interface Shown {
  readonly tag: 'Jobs' | 'Nodes' | 'Agent' | 'Auth' | 'Shoal';
  readonly summary: string;
  readonly example: Example;
}

interface Common<P extends Parameters> {
  /** Unique. */
  readonly id: string;
  /** `all`: whatever the method. */
  readonly method: 'get' | 'put' | 'post' | 'delete' | 'all';
  /** With `{name}` where a part is a parameter. */
  readonly path: string;
  readonly needs: Needs;
  readonly query?: P;
  /** Statuses that this route is known for beside those of every route, with what each means here. */
  readonly errors?: Readonly<Partial<Record<ErrorStatus | 416, string>>>;
  /** The body holds a credential and little else; who sends it is often not known yet. */
  readonly takesCredentials?: true;
}

/** A request as a route's handler has it. Query and body are read when they are asked for, in the order of the asking. */
interface Ask<P extends Parameters, B> {
  readonly c: Ctx;
  readonly deps: Deps;
  /** A part of the path by its name. */
  readonly part: (name: string) => string;
  /** @throws ShoalError 400 that names the parameter */
  readonly query: () => QueryOf<P>;
  /** Read as the schema of the route's body. @throws ShoalError 400, 413 or 429, see `readJsonBody` and `bind` */
  readonly body: () => Promise<B>;
}

type Made = Response | Promise<Response>;

/** A row of the table of routes: what `openapi.json`, the check of credentials and the app are made of. */
export interface Route extends Common<Parameters> {
  readonly body: z.ZodType | null;
  readonly answer: z.ZodType | Plain | null;
  /** Null for what is not for callers: the agents' own, and what leads elsewhere. */
  readonly shown: Shown | null;
  readonly serve: (c: Ctx, deps: Deps) => Made;
}

interface JsonRow<P extends Parameters, B, A extends object> extends Common<P>, Shown {
  readonly body?: z.ZodType<B>;
  readonly answer: z.ZodType<A>;
  /** Answers with the value, or with a response of its own where the status is another than 200. */
  readonly handle: (ask: Ask<P, B>) => NoInfer<A> | Response | Promise<NoInfer<A> | Response>;
}

/** A route that answers JSON. */
export function route<const P extends Parameters, B, A extends object>(row: JsonRow<P, B, A>): Route {
  const { handle, body, answer: schema, tag, summary, example, ...common } = row;
  return {
    ...common,
    body: body ?? null,
    answer: schema,
    shown: { tag, summary, example },
    serve: async (c, deps) => {
      const made = await handle(askOf(c, deps, row));
      return made instanceof Response ? made : answer(c, made);
    },
  };
}

interface PlainRow<P extends Parameters> extends Common<P>, Shown {
  readonly answer: Plain;
  readonly handle: (ask: Ask<P, never>) => Made;
}

/** A route that answers something else. */
export function plainRoute<const P extends Parameters>(row: PlainRow<P>): Route {
  const { handle, answer: plain, tag, summary, example, ...common } = row;
  const shown = { tag, summary, example };
  return { ...common, body: null, answer: plain, shown, serve: (c, deps) => handle(askOf(c, deps, row)) };
}

interface HiddenRow<P extends Parameters> extends Common<P> {
  readonly handle: (ask: Ask<P, never>) => Made;
}

/** A route that is not for callers. */
export function hiddenRoute<const P extends Parameters>(row: HiddenRow<P>): Route {
  const { handle, ...common } = row;
  return { ...common, body: null, answer: null, shown: null, serve: (c, deps) => handle(askOf(c, deps, row)) };
}

function askOf<P extends Parameters, B>(
  c: Ctx,
  deps: Deps,
  row: { readonly query?: P; readonly body?: z.ZodType<B> },
): Ask<P, B> {
  return {
    c,
    deps,
    part: (name) => c.req.param(name) ?? '',
    query: () => readQuery(new Query(c), row.query),
    body: async () => {
      if (row.body === undefined) throw new Error(`${c.req.path} has no body`);
      return bind(row.body, (await readJsonBody(c)) ?? {});
    },
  };
}

const readers: { readonly [T in keyof Values]: (query: Query, name: string) => Values[T] } = {
  text: (query, name) => query.text(name),
  texts: (query, name) => query.all(name),
  flag: (query, name) => query.bool(name),
  uint: (query, name) => query.uint(name),
  uint32: (query, name) => query.uint(name, MAX_UINT32),
  int: (query, name) => query.int(name),
};

/** @throws ShoalError 400 that names the parameter */
function readQuery<P extends Parameters>(query: Query, parameters: P | undefined): QueryOf<P> {
  const read = Object.entries(parameters ?? {}).map(([name, { type }]) => [name, readers[type](query, name)]);
  return Object.fromEntries(read) as QueryOf<P>;
}
