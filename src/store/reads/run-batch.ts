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
    throw new ShoalError('ServiceUnavailable', 'the database does not answer', {
      component: 'JobStore',
      hint: 'Try again in a moment.',
      retryAfterSeconds: 1,
      cause,
    });
  }
}
