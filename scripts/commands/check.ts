import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root } from '../../cli/src/up/config.ts';
import { say } from '../../cli/src/say.mjs';
import { generatedDocuments } from './programs.ts';

/** One thing that must hold. */
interface Check {
  readonly name: string;
  /** Tells what is wrong; undefined: nothing. */
  readonly run: () => Promise<string | undefined>;
}

/** Each has its tsconfig.json. */
export const rooms = ['schema', 'src/core', 'src', 'worker-agent', 'cli', 'scripts', 'test', 'test/workerd', 'bench'];
const atOnce = 2;

/** Runs a program of the project; its output is only of interest when it fails. */
function runProgram(program: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn(join(root, 'node_modules', '.bin', program), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  child.stderr.on('data', (text) => (output += text));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

function programCheck(name: string, program: string, args: readonly string[]): Check {
  return {
    name,
    run: async () => {
      const { code, output } = await runProgram(program, args);
      return code === 0 ? undefined : output.trim();
    },
  };
}

/** The SQL files are what the tables say: generating once more, into a copy, adds nothing. */
async function checkMigrations() {
  const folder = join(root, 'schema', 'db', 'migrations');
  const copy = mkdtempSync(join(tmpdir(), 'shoal-migrations-'));
  try {
    cpSync(folder, copy, { recursive: true });
    const tables = join('schema', 'db', 'tables.ts');
    const args = ['generate', '--dialect=sqlite', `--schema=${tables}`, `--out=${relative(root, copy)}`];
    const { code, output } = await runProgram('drizzle-kit', args);
    if (code !== 0) return output.trim();
    const added = readdirSync(copy).filter((name) => !existsSync(join(folder, name)));
    return added.length === 0
      ? undefined
      : `tables and migrations differ; run npm run db:generate (it would add ${added.join(', ')})`;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function checkLock() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  return lock.includes('"resolved": "http')
    ? 'package-lock.json names a registry; install with the .npmrc of this clone'
    : undefined;
}

function checks(): Check[] {
  const withTypes = rooms.filter((room) => existsSync(join(root, room, 'tsconfig.json')));
  return [
    programCheck('lint', 'oxlint', ['--type-aware', '--deny-warnings']),
    programCheck('format', 'oxfmt', ['--check', '.']),
    programCheck('dead code', 'knip', ['--no-progress']),
    { name: 'migrations', run: checkMigrations },
    { name: 'lock', run: checkLock },
    programCheck('generated documents', 'vitest', generatedDocuments),
    ...withTypes.map((room) => programCheck(`types of ${room}`, 'tsc', ['-p', room])),
  ];
}

/** Everything that can be said of the code without running it. */
export async function check() {
  const begin = Date.now();
  const todo = checks();
  let failed = 0;
  const work = async () => {
    for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
      const problem = await next.run();
      say(`${problem === undefined ? 'ok    ' : 'FAILED'}  ${next.name}`);
      if (problem === undefined) continue;
      failed += 1;
      say(`${problem.replaceAll(/^/gm, '        ')}\n`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  say(failed === 0 ? `All checks passed in ${Math.round((Date.now() - begin) / 1000)} s` : `${failed} checks failed`);
  return failed === 0 ? 0 : 1;
}
