import type { Tree } from './trees/tree.ts';

/** One figure of a row. */
export interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** Held when the value is at least this, or at most this, as `better` says; without one it is for information. */
  readonly target?: number;
}

/** A value for each measure of the row. */
export type Values<K extends string> = Readonly<Record<K, number>>;

/** A row on one version, prepared: its Worker runs, its nodes are connected, whatever is slow the first time was done. */
export interface Session<K extends string> {
  /** @throws Unmet when the installation did not do what was asked of it */
  round(): Promise<Values<K>>;
  close(): Promise<void>;
}

/** What is measured together, on one installation. */
export interface Row<K extends string = string> {
  /** What `--only` takes. */
  readonly name: string;
  readonly measures: Readonly<Record<K, Measure>>;
  /** How often it is measured. 0: `--quick` leaves it out. */
  readonly rounds: { readonly full: number; readonly quick: number };
  /** Longest that preparing it, or one round, may take. */
  readonly deadlineMs: number;
  readonly needsDocker?: boolean;
  /** Numbers of the row are not comparable elsewhere than on Linux, or cannot be had. */
  readonly needsLinux?: boolean;
  open(tree: Tree, setting: Setting): Promise<Session<K>>;
}

export interface Setting {
  readonly quick: boolean;
  /** Of the engine that rows with `needsDocker` use. */
  readonly dockerHost: string | undefined;
}

/** The version did not do what was asked: that is what the row prints. Any other error is a fault of the bench. */
export class Unmet extends Error {
  override name = 'Unmet';
}

/** @throws Unmet when it takes longer */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unmet(`not over within ${ms / 1000} s: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
