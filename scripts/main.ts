/** Second stage: the project's own Node, everything installed. */
import { UserError, messageOf } from '../cli/src/say.mjs';
import { projects, type TestProject } from '../test/config/projects.ts';
import { program, programs } from './commands/programs.ts';
import { watchParent } from './parent.mjs';

/** Runs with the arguments that follow its name; resolves with the exit code. */
type Command = (args: readonly string[]) => Promise<number>;

/** Loaded when it is asked for: each needs other packages. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('../cli/src/up/start.ts')).start,
  test: async () => (await import('./commands/test.ts')).test,
  ...Object.fromEntries(
    projects.filter(({ standard }) => !standard).map((project) => [`test:${project.name}`, () => testOnly(project)]),
  ),
  check: async () => withoutArguments((await import('./commands/check.ts')).check),
  clean: async () => withoutArguments((await import('./commands/clean.ts')).clean),
  build: async () => withoutArguments((await import('./commands/build.ts')).build),
  ...Object.fromEntries(Object.keys(programs).map((name) => [name, async () => program(name)])),
};

async function testOnly(project: TestProject): Promise<Command> {
  const { testOnly: run } = await import('./commands/test.ts');
  return withoutArguments(() => run(project));
}

function withoutArguments(run: () => Promise<number>): Command {
  return ([arg]) => {
    if (arg !== undefined) throw new UserError(`unknown argument ${arg}: this command takes none`);
    return run();
  };
}

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
