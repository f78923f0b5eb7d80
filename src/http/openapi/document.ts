import type { z } from 'zod';
import { ApiError } from '../../../schema/api/common.ts';
import { API_VERSION, SHOAL_VERSION } from '../../../schema/version.ts';
import type { Needs } from '../auth/needs.ts';
import type { Parameter, Plain, Route } from '../routes/route.ts';
import recorded from './examples.json' with { type: 'json' };
import { refTo, schemaObjects } from './schemas.ts';

/** What a route that is shown answered to its example, by its id. */
export type Answers = Readonly<Record<string, unknown>>;

/**
 * The API as OpenAPI 3.1: a row of the table is an operation.
 * @param answers recorded by a test, which fails when they are not what is answered
 */
export function makeDocument(table: readonly Route[], answers: Answers = recorded): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Shoal',
      version: SHOAL_VERSION,
      description:
        `Bacalhau’s HTTP API of ${API_VERSION.GitVersion}. Keys of a request match in any case, unknown ones are ignored ` +
        'and null means absent. The query key `pretty` indents any answer.',
      license: { name: 'Apache-2.0' },
    },
    security: [{ bearer: [] }, { basic: [] }, {}],
    paths: pathsOf(table, answers),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token, or the installation’s admin token.' },
        basic: { type: 'http', scheme: 'basic', description: 'Name and password of a user.' },
      },
      schemas: schemaObjects(),
    },
  };
}

function pathsOf(table: readonly Route[], answers: Answers): Record<string, Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of table) {
    if (route.shown === null) continue;
    const methods = (paths[route.path] ??= {});
    methods[route.method] = operationOf(route, route.shown, answers[route.id]);
  }
  return paths;
}

function operationOf(route: Route, { tag, summary, example }: Shown, answered: unknown): Record<string, unknown> {
  const { id, body, answer, needs } = route;
  const inBody = example.body === undefined ? {} : { example: example.body };
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: whoMay[needs],
    ...(needs === 'nobody' && { security: [] }),
    parameters: [...partsOf(route, example), ...queryOf(route, example)],
    ...(body !== null && { requestBody: { content: { 'application/json': { schema: refTo(body), ...inBody } } } }),
    responses: {
      200: answerOf(answer, answered),
      ...Object.fromEntries(Object.entries(errorsOf(route)).map(([status, text]) => [status, refused(text)])),
      default: refused('Refused.'),
    },
  };
}

type Shown = NonNullable<Route['shown']>;
type Example = Shown['example'];

/** Who is let in where credentials are asked for. */
const whoMay: Readonly<Record<Needs, string>> = {
  nobody: 'Needs no credential.',
  'read:job': 'Needs `read:job`, in the job’s namespace.',
  'write:job': 'Needs `write:job`, in the job’s namespace.',
  'read:node': 'Needs `read:node`, in all namespaces.',
  'write:node': 'Needs `write:node`, in all namespaces.',
  'read:agent': 'Needs `read:agent`.',
  'write:agent': 'Needs `write:agent`.',
  operator: 'Needs `*`, in all namespaces.',
  node: 'Needs the node token.',
  execution: 'Needs the execution’s own token.',
  closed: 'Needs `write:node`.',
};

/** Statuses of a route, and those that any route like it may answer. */
function errorsOf({ needs, errors }: Route): Readonly<Record<string, string>> {
  const isOpen = needs === 'nobody';
  return {
    400: 'A parameter or a header cannot be read.',
    ...(!isOpen && { 401: 'No credential was shown that counts.' }),
    403: isOpen ? 'The client is too old.' : 'The credential does not allow it, or the client is too old.',
    429: 'Too many requests: `Retry-After` says how many seconds to wait.',
    ...errors,
  };
}

function refused(description: string): Record<string, unknown> {
  return { description, content: { 'application/json': { schema: refTo(ApiError) } } };
}

function answerOf(answer: z.ZodType | Plain | null, answered: unknown): Record<string, unknown> {
  const example = answered === undefined ? {} : { example: answered };
  if (answer === null) return { description: 'Done.' };
  if (!('mediaType' in answer)) {
    return { description: 'Done.', content: { 'application/json': { schema: refTo(answer), ...example } } };
  }
  const { mediaType, description } = answer;
  const type = mediaType === 'application/json' ? 'object' : 'string';
  return { description, content: { [mediaType]: { schema: { type }, ...example } } };
}

function partsOf({ path }: Route, example: Example): unknown[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return names.map((name) => ({
    name,
    in: 'path',
    required: true,
    description: name === 'method' ? 'How to log in.' : 'The id; of a job also its name, or the beginning of its id.',
    schema: { type: 'string' },
    ...exampleOf(example.path?.[name]),
  }));
}

function queryOf({ query = {} }: Route, example: Example): unknown[] {
  return Object.entries(query).map(([name, parameter]) => ({
    name,
    in: 'query',
    description: parameter.description,
    schema: schemaOf(parameter),
    ...exampleOf(example.query?.[name], parameter.type),
  }));
}

function exampleOf(given: string | undefined, type: Parameter['type'] = 'text'): { readonly example?: unknown } {
  if (given === undefined) return {};
  if (type === 'text') return { example: given };
  if (type === 'texts') return { example: [given] };
  return { example: type === 'flag' ? given === 'true' : Number(given) };
}

const types = {
  text: { type: 'string' },
  texts: { type: 'array', items: { type: 'string' } },
  flag: { type: 'boolean' },
  uint: { type: 'integer', minimum: 0 },
  uint32: { type: 'integer', minimum: 0 },
  int: { type: 'integer' },
} as const satisfies Readonly<Record<Parameter['type'], object>>;

function schemaOf({ type, values }: Parameter): Record<string, unknown> {
  return { ...types[type], ...(values !== undefined && { enum: [...values] }) };
}
