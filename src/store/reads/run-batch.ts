import { failureOf, storeError } from '../failure.ts';
import type { Statement } from './statement.ts';

export type Row = Record<string, unknown>;
export type Rows = readonly Row[];

/** What one statement of a batch was answered. */
export interface Result {
  readonly results: Row[];
  readonly meta: { readonly changes: number; readonly size_after: number };
}

/** The part of D1 that is used; `S` is its prepared statement. */
export interface Database<S> {
  prepare(sql: string): { bind(...params: (string | number | null)[]): S };
  batch(statements: S[]): Promise<readonly Result[]>;
}

/**
 * Runs the statements in one transaction; the rows of one that is null are empty.
 * @throws ShoalError 503 or 507 that says what is wrong with the database
 */
export async function runBatch<S>(db: Database<S>, statements: readonly (Statement | null)[]): Promise<Rows[]> {
  const asked = statements.filter((statement) => statement !== null);
  try {
    const results = await db.batch(asked.map(({ sql, params }) => db.prepare(sql).bind(...params)));
    let next = 0;
    return statements.map((statement) => (statement === null ? [] : (results[next++]?.results ?? [])));
  } catch (cause) {
    throw storeError(failureOf(cause), cause);
  }
}
