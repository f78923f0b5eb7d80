/** Second stage: the project's own Node, everything installed. */
import { program, programs } from './commands/programs.ts';
import { UserError, messageOf } from '../cli/src/say.mjs';
import { watchParent } from './parent.mjs';

const commands: Readonly<Record<string, () => Promise<(args: readonly string[]) => Promise<number>>>> = {
  start: async () => (await import('../cli/src/up/start.ts')).start,
  test: async () => (await import('./commands/test.ts')).test,
  'test:kill': async () => (await import('./commands/test.ts')).testKill,
  'test:chaos': async () => (await import('./commands/test.ts')).testChaos,
  'test:idle': async () => (await import('./commands/test.ts')).testIdle,
  'test:fresh': async () => (await import('./commands/test.ts')).testFresh,
  check: async () => (await import('./commands/check.ts')).check,
  clean: async () => (await import('./commands/clean.ts')).clean,
  build: async () => (await import('./commands/build.ts')).build,
  ...Object.fromEntries(Object.keys(programs).map((name) => [name, async () => program(name)])),
};

/** @param words `--parent=PID`: to end as by SIGTERM when that process, which started this one, is gone; then the command */
async function main(words: readonly string[]): Promise<number> {
  const parent = /^--parent=(\d+)$/.exec(words[0] ?? '')?.[1];
  if (parent !== undefined) watchParent(Number(parent), () => process.kill(process.pid, 'SIGTERM'));
  const [name = '', ...args] = parent === undefined ? words : words.slice(1);
  const load = commands[name];
  if (load === undefined) throw new UserError(`unknown command ${name}: ${Object.keys(commands).join(', ')}`);
  const command = await load();
  return command(args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(
    `${error instanceof UserError ? messageOf(error) : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = 1;
}
