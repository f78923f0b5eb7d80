/** Second stage: the project's own Node, everything installed. */
import { program, programs } from './commands/programs.mjs';
import { UserError, messageOf } from '../cli/src/say.mjs';

/** @type {Readonly<Record<string, () => Promise<(args: readonly string[]) => Promise<number>>>>} */
const commands = {
  start: async () => (await import('../cli/src/up/start.mjs')).start,
  test: async () => (await import('./commands/test.mjs')).test,
  'test:kill': async () => (await import('./commands/test.mjs')).testKill,
  'test:chaos': async () => (await import('./commands/test.mjs')).testChaos,
  'test:idle': async () => (await import('./commands/test.mjs')).testIdle,
  'test:fresh': async () => (await import('./commands/test.mjs')).testFresh,
  check: async () => (await import('./commands/check.mjs')).check,
  build: async () => (await import('./commands/build.mjs')).build,
  ...Object.fromEntries(Object.keys(programs).map((name) => [name, async () => program(name)])),
};

/** @param {readonly string[]} args */
async function main([name = '', ...args]) {
  const load = commands[name];
  if (load === undefined) throw new UserError(`unknown command ${name}: ${Object.keys(commands).join(', ')}, clean`);
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
} finally {
  // The channel to the first stage would keep this process alive.
  if (process.connected) process.disconnect();
}
