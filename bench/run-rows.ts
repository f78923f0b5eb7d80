import { OthersLoad } from './machine/cpu.ts';
import type { Column, Measured, RowResult } from './report/result.ts';
import { Unmet, within, type Row, type Session, type Setting, type Values } from './row.ts';
import type { Tree } from './trees/tree.ts';

/** A version that fails so many rounds on end is not asked again. */
const FAILURES = 2;

/** In which order versions are measured in a round: A B, B A, A B and so on. */
export function orderOf<T>(versions: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? versions : versions.toReversed();
}

/** A row on one version, round by round. */
class Run {
  readonly #row: Row;
  readonly #tree: Tree;
  readonly #columns: Record<string, (number | null)[]>;
  #session: Session<string> | undefined;
  #failures = 0;
  #failed: string | undefined;
  /** Faults that are the bench's own, not the version's. */
  readonly faults: Error[] = [];

  constructor(row: Row, tree: Tree) {
    this.#row = row;
    this.#tree = tree;
    this.#columns = Object.fromEntries(Object.keys(row.measures).map((key) => [key, []]));
  }

  async open(setting: Setting): Promise<void> {
    const opening = this.#row.open(this.#tree, setting);
    try {
      this.#session = await within(opening, this.#row.deadlineMs, 'preparing');
    } catch (error) {
      // What opens after all is closed, or its processes would stay.
      opening.then((late) => late.close()).catch(() => {});
      this.#fail(error);
      this.#failures = FAILURES;
    }
  }

  async round(): Promise<void> {
    this.#enter(this.#failures >= FAILURES ? null : await this.#values());
  }

  async #values(): Promise<Values<string> | null> {
    if (this.#session === undefined) return null;
    try {
      const values = await within(this.#session.round(), this.#row.deadlineMs, 'one round');
      this.#failures = 0;
      return values;
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  #fail(error: unknown): void {
    this.#failures += 1;
    this.#failed = error instanceof Error ? error.message : String(error);
    if (!(error instanceof Unmet)) this.faults.push(error instanceof Error ? error : new Error(String(error)));
  }

  #enter(values: Values<string> | null): void {
    for (const [key, column] of Object.entries(this.#columns)) column.push(values?.[key] ?? null);
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  get measured(): Measured {
    const columns: Readonly<Record<string, Column>> = this.#columns;
    return { columns, ...(this.#failed !== undefined && { failed: this.#failed }) };
  }
}

/** Measures a row on each version, in turns. */
export async function runRow(
  row: Row,
  trees: readonly Tree[],
  rounds: number,
  setting: Setting,
): Promise<{ result: RowResult; faults: readonly Error[] }> {
  const runs = trees.map((tree) => new Run(row, tree));
  const others = new OthersLoad();
  try {
    for (const run of runs) await run.open(setting);
    for (let round = 0; round < rounds; round++) for (const run of orderOf(runs, round)) await run.round();
  } finally {
    await Promise.all(runs.map((run) => run.close()));
  }
  const result = {
    row: row.name,
    measures: row.measures,
    versions: runs.map(({ measured }) => measured),
    // The containers of a row are no children of this process.
    othersBusy: row.needsDocker === true ? null : others.look(),
  };
  return { result, faults: runs.flatMap(({ faults }) => faults) };
}
