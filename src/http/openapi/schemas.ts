import { z } from 'zod';
import * as agent from '../../../schema/api/agent.ts';
import * as auth from '../../../schema/api/auth.ts';
import * as common from '../../../schema/api/common.ts';
import * as execution from '../../../schema/api/execution.ts';
import * as history from '../../../schema/api/history.ts';
import * as job from '../../../schema/api/job.ts';
import * as node from '../../../schema/api/node.ts';
import { Nanos } from '../../../schema/api/raw-integer.ts';

/** Objects of `schema/api` by the names under which they are exported: these are the names that clients see. */
const named = new Map<z.ZodType, string>();
for (const [name, value] of Object.entries({
  ...agent,
  ...auth,
  ...common,
  ...execution,
  ...history,
  ...job,
  ...node,
})) {
  if (value instanceof z.ZodObject || value instanceof z.ZodRecord) named.set(value, name);
}

/** A reference to a schema of `schema/api`. @throws Error for any other, which has no name to show */
export function refTo(schema: z.ZodType): { readonly $ref: string } {
  const name = named.get(schema);
  if (name === undefined) throw new Error('a route takes or answers a schema that schema/api does not export');
  return { $ref: place(name) };
}

const place = (name: string) => `#/components/schemas/${name}`;

/** All of them as JSON schemas, by name. */
export function schemaObjects(): Record<string, unknown> {
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of named) registry.add(schema, { id });
  const { schemas: made } = z.toJSONSchema(registry, {
    uri: place,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (!isNanos(zodSchema)) return;
      delete jsonSchema.anyOf;
      Object.assign(jsonSchema, { type: 'integer', format: 'int64' });
    },
  });
  return Object.fromEntries(
    Object.entries(made).map(([name, { $schema: _schema, $id: _id, ...schema }]) => [name, schema]),
  );
}

/** `Nanos`, or what was made of it with another description. */
function isNanos(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodUnion && schema.def.options === Nanos.def.options;
}
