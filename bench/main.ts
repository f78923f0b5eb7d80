import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { UserError } from '../cli/src/say.mjs';
import { helpText, readArgs, type Args } from './args.ts';
import { withEngine } from './machine/engine.ts';
import { isEnding, undoAll, watchSignals } from './machine/interrupt.ts';
import { chosen, rows } from './registry.ts';
import { linesOf, type RowResult } from './report/result.ts';
import { comparison, table } from './report/table.ts';
import { asJson } from './report/json.ts';
import { runRow } from './run-rows.ts';
import type { Row, Setting } from './row.ts';
import { otherTree, ownTree, type Tree } from './trees/tree.ts';

/** Above it the machine is not quiet. */
const QUIET_LOAD = 1;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const args = readArgs(process.argv.slice(2));
  if (args.help) {
    say(helpText(rows.map(describe)));
    return 0;
  }
  const picked = chosen(args.only);
  const load = loadavg()[0] ?? 0;
  warn(load);
  const trees = [await ownTree()];
  try {
    if (args.against !== undefined) trees.push(await otherTree(args.against));
    const needsDocker = picked.some((row) => row.needsDocker === true && roundsOf(row, args) > 0);
    return await withEngine(needsDocker, (dockerHost) => measure(picked, trees, { args, load, dockerHost }));
  } finally {
    await undoAll();
  }
}

interface Run {
  readonly args: Args;
  readonly load: number;
  readonly dockerHost: string | undefined;
}

async function measure(
  picked: readonly Row[],
  trees: readonly Tree[],
  { args, load, dockerHost }: Run,
): Promise<number> {
  const results: RowResult[] = [];
  const faults: Error[] = [];
  const began = performance.now();
  for (const row of picked) {
    if (isEnding()) await new Promise(() => {});
    const rounds = roundsOf(row, args);
    const skipped = reasonToSkip(row, rounds, dockerHost);
    say(`${elapsed(began)}  ${row.name}${skipped === undefined ? '' : `: not measured: ${skipped}`}`);
    if (skipped !== undefined) {
      results.push({ row: row.name, measures: row.measures, skipped, versions: [], othersBusy: null });
      continue;
    }
    const setting: Setting = { quick: args.quick, dockerHost };
    const { result, faults: found } = await runRow(row, trees, rounds, setting);
    results.push(result);
    faults.push(...found);
  }
  const lines = results.flatMap(linesOf);
  const [, other] = trees;
  say('');
  say(other === undefined ? table(lines) : comparison(lines, ['this', other.label]));
  say(
    `\n${elapsed(began)} for ${trees.map(({ label, commit }) => `${label} (${commit || 'no commit'})`).join(' against ')}`,
  );
  warn(load);
  if (args.json !== undefined) save(args.json, asJson({ lines, results, trees, load }));
  for (const fault of faults) process.stderr.write(`${fault.stack ?? fault.message}\n`);
  return faults.length === 0 ? 0 : 1;
}

/** A comparison needs pairs. */
const LEAST_PAIRS = 4;

function roundsOf({ rounds }: Row, { quick, against, rounds: given }: Args): number {
  const own = quick ? rounds.quick : rounds.full;
  if (own === 0) return 0;
  return given ?? (against === undefined ? own : Math.max(own, LEAST_PAIRS));
}

function reasonToSkip(row: Row, rounds: number, dockerHost: string | undefined): string | undefined {
  if (rounds === 0) return 'it has to wait, and --quick does not';
  if (row.needsLinux === true && process.platform !== 'linux') return 'it needs Linux';
  if (row.needsDocker === true && dockerHost === undefined) return 'there is no Docker engine with the image';
  return undefined;
}

function warn(load: number): void {
  if (load <= QUIET_LOAD) return;
  say(`The load average was ${load.toFixed(1)} at the start, on ${cpus().length} cores: times are not to be trusted.`);
}

function describe({ name, measures, rounds }: Row): string {
  const [first] = Object.values(measures);
  return `${name.padEnd(16)}${first?.name ?? ''}${rounds.quick === 0 ? ' (not with --quick)' : ''}`;
}

function elapsed(since: number): string {
  const seconds = Math.round((performance.now() - since) / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function save(file: string, text: string): void {
  const path = resolve(process.env['INIT_CWD'] ?? process.cwd(), file);
  writeFileSync(path, text);
  say(`figures in ${path}`);
}

watchSignals();
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(
    `${error instanceof UserError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = error instanceof UserError ? 2 : 1;
}
process.exit();
