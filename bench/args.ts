import { parseArgs } from 'node:util';
import { UserError } from '../cli/src/say.mjs';

export interface Args {
  readonly help: boolean;
  readonly quick: boolean;
  /** Where the figures go as JSON. */
  readonly json: string | undefined;
  /** Names of rows; empty for all. */
  readonly only: readonly string[];
  /** A folder or a commit to compare with. */
  readonly against: string | undefined;
  /** How often each row is measured, instead of its own number. */
  readonly rounds: number | undefined;
}

const MAX_ROUNDS = 1_000;

/** @throws UserError that names the argument, what was given and what is allowed */
export function readArgs(argv: readonly string[]): Args {
  const values = parsed(argv.filter((word) => word !== '--'));
  const only = values.only?.split(',').map((name) => name.trim()) ?? [];
  if (only.includes('')) throw new UserError(`--only ${values.only ?? ''}: give names of rows, separated by commas`);
  for (const name of ['json', 'against'] as const) {
    if (values[name] === '')
      throw new UserError(`--${name} is empty: give ${name === 'json' ? 'a file' : 'a folder or a commit'}`);
  }
  return {
    help: values.help ?? false,
    quick: values.quick ?? false,
    json: values.json,
    only: [...new Set(only)],
    against: values.against,
    rounds: values.rounds === undefined ? undefined : roundsOf(values.rounds),
  };
}

function parsed(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { help: { ...flag, short: 'h' }, quick: flag, json: text, only: text, against: text, rounds: text };
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    throw new UserError(
      `${error instanceof Error ? error.message : String(error)}\nnpm run bench -- --help says what is allowed`,
    );
  }
}

function roundsOf(given: string): number {
  const rounds = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (rounds >= 1 && rounds <= MAX_ROUNDS) return rounds;
  throw new UserError(`--rounds ${given}: give a whole number from 1 to ${MAX_ROUNDS}`);
}

/** @param rows a line each */
export function helpText(rows: readonly string[]): string {
  return `Measures what is asked of Shoal's speed, and prints one table. Nothing is asserted: the exit code is 0 when all
chosen rows could be measured, also those whose target was missed or that a version does not manage.

  npm run bench                          all rows, under 10 minutes
  npm run bench -- --quick               under 2 minutes: fewer rounds, and without the rows that have to wait
  npm run bench -- --only NAME[,NAME]    some rows
  npm run bench -- --rounds N            each row N times
  npm run bench -- --json FILE           writes all figures as JSON as well
  npm run bench -- --against DIR         compares with a clone in another folder
  npm run bench -- --against COMMIT      compares with a commit, in a work tree made for it and removed afterwards

Value is the median of the rounds, spread their lowest and highest.

How to read a comparison: both versions are measured in turns on this machine, in the order A B, B A, A B and so on, so
that what else happens hits both; each turn gives a pair. The ratio says how many times as fast this tree is as the other
(2.00x: twice as fast; also for times, CPU and memory, where less is better). It is the geometric mean of the pairs'
ratios; the interval is the 95 % interval of Student's t on their logarithms. A row is "slower" only where its whole
interval lies below 1.00x, "faster" only where it lies above; in between nothing was shown, and more --rounds narrow it.
One row in twenty is outside its interval by chance: look at a surprise twice. With the same code on both sides every row
should read "no difference shown".

Rates need a quiet machine. Above a load average of 1 at the start, and for each row during which other programs kept
more than half a core busy, the bench says that times are not to be trusted. CPU per job suffers least from it.

Rows:
${rows.map((row) => `  ${row}`).join('\n')}
`;
}
