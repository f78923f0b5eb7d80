import type { z } from 'zod';

/** A parameter of the query. All are optional, and empty means absent. */
export interface Parameter {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'strings';
  readonly description: string;
  readonly values?: readonly string[];
}

/** A route as `openapi.json` describes it. */
export interface Operation {
  readonly id: string;
  readonly method: 'get' | 'put' | 'post' | 'delete';
  /** With `{name}` where a part is a parameter. */
  readonly path: string;
  readonly tag: 'Jobs' | 'Nodes' | 'Agent' | 'Auth' | 'Shoal';
  readonly summary: string;
  readonly query?: readonly Parameter[];
  /** Names of `schemas`. */
  readonly body?: string;
  readonly answer: string;
  /** The answer is plain text, of which `answer` says what; no schema. */
  readonly isText?: boolean;
  /** Statuses beside 200 that this route is known for. */
  readonly errors?: readonly number[];
}

/** Every schema that an operation names. */
export type Schemas = Readonly<Record<string, z.ZodType>>;
