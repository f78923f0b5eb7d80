import { readdirSync, readFileSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

type Row = Record<string, unknown>;

export interface FakeResult {
  readonly success: true;
  readonly results: Row[];
  readonly meta: { readonly changes: number; readonly size_after: number };
}

const MIGRATIONS = new URL('../../schema/db/migrations/', import.meta.url);
const BREAKPOINT = '--> statement-breakpoint';

/** How D1 ends a message of SQLite's: `: SQLITE_CONSTRAINT`. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  const name = { 1: 'ERROR', 8: 'READONLY', 13: 'FULL', 18: 'TOOBIG', 19: 'CONSTRAINT', 20: 'MISMATCH', 25: 'RANGE' }[
    code
  ];
  return name === undefined ? '' : `: SQLITE_${name}`;
}

/**
 * D1 over SQLite in memory, for tests under Node: the calls that Shoal makes, with the real migrations. A batch is one
 * transaction, and errors read as D1's do.
 */
export class FakeD1 {
  readonly sqlite: DatabaseSync;
  /** What every call says of the database's size. */
  sizeAfter = 0;
  /** Happens at the beginning of every call. */
  onCall: () => void = () => {};
  /** Statements that find the database away. */
  unreachable: RegExp | null = null;
  /** Calls so far: a batch is one. */
  calls = 0;
  /** Thrown by the next calls, first in first out; `after` lets the call take effect before it fails. */
  readonly faults: { readonly error: Error; readonly after?: boolean }[] = [];

  /** @param sqlite the tables of another one, which has its own calls and faults; made anew when left out */
  constructor(sqlite?: DatabaseSync) {
    this.sqlite = sqlite ?? new DatabaseSync(':memory:');
    if (sqlite !== undefined) return;
    const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql'));
    for (const file of files.sort()) {
      for (const sql of readFileSync(new URL(file, MIGRATIONS), 'utf8').split(BREAKPOINT)) this.sqlite.exec(sql);
    }
  }

  prepare(sql: string): FakeStatement {
    return new FakeStatement(this, sql, []);
  }

  async batch(statements: readonly FakeStatement[]): Promise<FakeResult[]> {
    if (statements.length === 0) throw new Error('D1_ERROR: No SQL statements detected.');
    return this.call(() => {
      this.sqlite.exec('BEGIN');
      try {
        const results = statements.map((statement) => statement.execute());
        this.sqlite.exec('COMMIT');
        return results;
      } catch (error) {
        this.sqlite.exec('ROLLBACK');
        throw error;
      }
    });
  }

  async exec(sql: string): Promise<void> {
    await this.call(() => this.sqlite.exec(sql));
  }

  /** Inserts a row for a test's set-up. */
  insert(table: string, row: Readonly<Record<string, SQLInputValue>>): void {
    const columns = Object.keys(row);
    const places = columns.map(() => '?').join(', ');
    this.sqlite
      .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`)
      .run(...columns.map((column) => row[column] ?? null));
  }

  async call<T>(run: () => T): Promise<T> {
    this.calls += 1;
    this.onCall();
    const fault = this.faults.shift();
    // A turn of the event loop, as every real call takes one at least.
    await new Promise((resolve) => setImmediate(resolve));
    if (fault !== undefined && fault.after !== true) throw fault.error;
    let result: T;
    try {
      result = run();
    } catch (error) {
      throw new Error(`D1_ERROR: ${error instanceof Error ? error.message : String(error)}${codeOf(error)}`, {
        cause: error,
      });
    }
    if (fault !== undefined) throw fault.error;
    return result;
  }
}

class FakeStatement {
  readonly #db: FakeD1;
  readonly #sql: string;
  readonly #params: readonly SQLInputValue[];

  constructor(db: FakeD1, sql: string, params: readonly SQLInputValue[]) {
    this.#db = db;
    this.#sql = sql;
    this.#params = params;
  }

  bind(...params: readonly unknown[]): FakeStatement {
    for (const param of params) {
      // D1 takes neither; SQLite under Node would take a bigint.
      if (param === undefined || typeof param === 'bigint') throw new Error(`D1_TYPE_ERROR: ${typeof param}`);
    }
    return new FakeStatement(this.#db, this.#sql, params as readonly SQLInputValue[]);
  }

  /** Runs without the call's wait and faults; a batch runs its statements so. */
  execute(): FakeResult {
    if (this.#db.unreachable?.test(this.#sql) === true) throw new Error('network connection lost');
    const statement = this.#db.sqlite.prepare(this.#sql);
    const before = this.#changes();
    const results = statement.all(...this.#params).map((row) => ({ ...row }));
    return { success: true, results, meta: { changes: this.#changes() - before, size_after: this.#db.sizeAfter } };
  }

  all(): Promise<FakeResult> {
    return this.#db.call(() => this.execute());
  }

  run(): Promise<FakeResult> {
    return this.all();
  }

  async first(): Promise<Row | null> {
    return (await this.all()).results[0] ?? null;
  }

  #changes(): number {
    return Number(this.#db.sqlite.prepare('SELECT total_changes() AS n').get()?.['n']);
  }
}
