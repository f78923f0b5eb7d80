import { ShoalError } from '../../schema/errors.ts';

/** Why a database did nothing of what it was asked. */
export type StoreFailure = keyof typeof told;

/** Says clearly that nothing was done, and that nothing will be until somebody sees to it. */
export type ClearFailure = Exclude<StoreFailure, 'silent'>;

/** As SQLite and D1 say it. What is none of them leaves open whether the database is there at all. */
const signs: readonly (readonly [ClearFailure, RegExp])[] = [
  ['full', /SQLITE_FULL|database or disk is full|exceeded maximum (DB size|account storage)|maximum account storage/i],
  ['spent', /free tier|daily row (read|write) limit|exceeded allowed/i],
  ['readOnly', /SQLITE_(READONLY|PERM|AUTH|CANTOPEN)|readonly database|unable to open database file/i],
  // Tables never go away later.
  ['noTables', /no such table/i],
];

export function failureOf(error: unknown): StoreFailure {
  const text = error instanceof Error ? error.message : String(error);
  return signs.find(([, sign]) => sign.test(text))?.[0] ?? 'silent';
}

const MIGRATE = 'npx wrangler d1 migrations apply shoal --remote';

const told = {
  full: {
    code: 'InsufficientStorage',
    message: 'the disk or the database is full: nothing can be written',
    hint: 'Free space on the disk of the database; where D1 itself is full, shorten RETENTION_DAYS or take a larger plan.',
  },
  spent: {
    code: 'ServiceUnavailable',
    message: "the plan's daily limit of the database is used up",
    hint: 'It counts anew at 00:00 UTC; a larger plan has a higher one.',
    retryAfterSeconds: 3_600,
  },
  readOnly: {
    code: 'ServiceUnavailable',
    message: 'the database refuses to be written',
    hint: 'Look whether its files may be written by the user that Shoal runs as, and whether their disk is read-only.',
  },
  noTables: {
    code: 'ServiceUnavailable',
    message: `the database has no tables yet, or not all of them: run ${MIGRATE}`,
    hint: MIGRATE,
  },
  silent: {
    code: 'ServiceUnavailable',
    message: 'the database does not answer',
    hint: 'Try again in a moment.',
    retryAfterSeconds: 1,
  },
} as const;

/** What a caller hears of it. */
export function storeError(failure: StoreFailure, cause: unknown): ShoalError {
  const { code, message, ...rest } = told[failure];
  return new ShoalError(code, message, { component: 'JobStore', ...rest, cause });
}
