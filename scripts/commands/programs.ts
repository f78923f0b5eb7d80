import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../../cli/src/up/config.ts';

/** A command that is one program of this tree, which gets the arguments that follow. */
interface Program {
  /** A script of this tree for Node, or a program that was installed, and its own first arguments. */
  readonly run: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Arguments of vitest: the tests that compare what is in docs/ with what it is made from. */
export const generatedDocuments = [
  'run',
  '--project=node',
  '--testNamePattern=is checked in',
  'src/http/openapi',
  'test/conformance',
];

export const programs: Readonly<Record<string, Program>> = {
  bench: { run: ['bench/main.ts'] },
  'bench:attack': { run: ['bench/attack.ts'] },
  sim: { run: ['test/sim/main.ts'] },
  'test:mutation': { run: ['test/mutation/run.ts'] },
  format: { run: ['oxfmt', '.'] },
  docs: { run: ['vitest', ...generatedDocuments], env: { SHOAL_WRITE: '1' } },
  'db:generate': { run: ['drizzle-kit', 'generate'] },
};

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs one to its end; what ends this process ends it too.
 * @returns its exit code
 */
export function program(name: string): (args: readonly string[]) => Promise<number> {
  return (args) => {
    const { run, env = {} } = programs[name] ?? { run: [] };
    const [first = '', ...own] = run;
    const command = first.endsWith('.ts')
      ? [process.execPath, join(root, first)]
      : [join(root, 'node_modules/.bin', first)];
    const [file = '', ...before] = command;
    // From before it runs: a signal that comes meanwhile must not end this process alone.
    for (const signal of signals) process.on(signal, () => child.kill(signal));
    const child = spawn(file, [...before, ...own, ...args], {
      cwd: root,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
    });
  };
}
