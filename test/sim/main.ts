import { parseArgs } from 'node:util';
import { runBatch } from './batch.ts';
import { tooRare } from './expected.ts';
import { runSeed } from './run-seed.ts';

const HELP = `Simulates whole installations: the real Scheduler and the real agents, with network, database, clocks and
engines owned by the simulator.

  npm run sim -- --seeds N [--base B]   runs seeds B to B+N-1 (B: 1), prints what was met and how often
  npm run sim -- --seed S [--trace]     runs one seed; with its trace, line by line
`;

/** From so many seeds on everything that can happen must have happened. */
const ENOUGH_SEEDS = 500;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const number = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({ options: { seeds: number, base: number, seed: number, trace: flag, help: flag } });
  if (values.help === true) {
    say(HELP);
    return 0;
  }
  if (values.seed !== undefined) return runOne(Number(values.seed), values.trace ?? false);
  if (values.seeds === undefined) {
    say(HELP);
    return 2;
  }
  return runMany(Number(values.seeds), Number(values.base ?? 1));
}

async function runOne(seed: number, trace: boolean): Promise<number> {
  // The code under test writes lines for operators; the trace is not theirs.
  console.log = () => {};
  const { violation, steps, lines, lineCount, hash } = await runSeed(seed, trace);
  for (const line of lines) say(line);
  say(`seed ${seed}: ${violation ?? 'all promises kept'}; ${steps} events, ${lineCount} lines, trace ${hash}`);
  return violation === null ? 0 : 1;
}

async function runMany(seeds: number, base: number): Promise<number> {
  const begin = performance.now();
  const onProgress = (done: number) => {
    if (done % 1_000 === 0) say(`${done} seeds, ${Math.round((performance.now() - begin) / 1_000)} s`);
  };
  const result = await runBatch({ base, seeds, onProgress });
  const seconds = (performance.now() - begin) / 1_000;
  for (const [what, times] of [...result.totals].sort(([a], [b]) => (a < b ? -1 : 1))) say(`${what}: ${times}`);
  const missing = seeds < ENOUGH_SEEDS ? [] : tooRare(result.totals, result.seeds);
  for (const what of missing) say(`too rare: ${what}`);
  for (const { seed, what } of result.violations) {
    say(`seed ${seed}: ${what}\n  npm run sim -- --seed ${seed} --trace`);
  }
  say(
    `${result.seeds} seeds, ${result.steps} events (at least ${result.leastSteps} a seed), ` +
      `${seconds.toFixed(1)} s (${(result.seeds / seconds).toFixed(0)} seeds/s): ${result.violations.length} violations`,
  );
  return result.violations.length + missing.length === 0 ? 0 : 1;
}

process.exitCode = await main();
