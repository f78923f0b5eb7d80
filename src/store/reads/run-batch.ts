import { ShoalError } from '../../../schema/errors.ts';
import type { Statement } from './statement.ts';

export type Row = Record<string, unknown>;
export type Rows = readonly Row[];

/** The part of D1 that is used; `S` is its prepared statement. */
export interface Database<S> {
  prepare(sql: string): { bind(...params: unknown[]): S };
  batch(statements: S[]): Promise<{ results: Row[] }[]>;
}

/** Runs the statements in one transaction; the rows of one that is null are empty. */
export async function runBatch<S>(db: Database<S>, statements: readonly (Statement | null)[]): Promise<Rows[]> {
  const asked = statements.filter((statement) => statement !== null);
  try {
    const results = await db.batch(asked.map(({ sql, params }) => db.prepare(sql).bind(...params)));
    let next = 0;
    return statements.map((statement) => (statement === null ? [] : (results[next++]?.results ?? [])));
  } catch (cause) {
    throw isWithoutTables(cause) ? noTables(cause) : silent(cause);
  }
}

/** As SQLite says it; the tables never go away later. */
function isWithoutTables(cause: unknown): boolean {
  return cause instanceof Error && /no such table/.test(cause.message);
}

/** A deployment whose operator has not finished: the Worker is there before its database's tables are. */
function noTables(cause: unknown): ShoalError {
  return new ShoalError(
    'ServiceUnavailable',
    'the database has no tables yet, or not all of them: run npx wrangler d1 migrations apply shoal --remote',
    { component: 'JobStore', hint: 'npx wrangler d1 migrations apply shoal --remote', cause },
  );
}

function silent(cause: unknown): ShoalError {
  return new ShoalError('ServiceUnavailable', 'the database does not answer', {
    component: 'JobStore',
    hint: 'Try again in a moment.',
    retryAfterSeconds: 1,
    cause,
  });
}
