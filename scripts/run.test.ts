import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { root } from '../cli/src/up/config.ts';
import { childrenOf, commandLineOf, isAlive, recordOf, signalTo, type ProcessRecord } from '../cli/src/up/processes.ts';

const execute = promisify(execFile);
const script = join(root, 'scripts', 'run.mjs');
const onLinux = process.platform === 'linux';
const olderNode = ['--import=data:text/javascript,delete process.execve'];
const ways = [
  ['becomes the second stage', []],
  ['has it for a child, where Node is older', olderNode],
] as const;

const started: ProcessRecord[] = [];
afterEach(() => {
  for (const record of started.splice(0)) signalTo(record, 'SIGKILL');
});

/** A command that runs on; resolves with the process of the second stage, once that has begun. */
async function startLong(before: readonly string[]) {
  const first = spawn(process.execPath, [...before, script, 'sim', '--seeds', '1000000000'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const pid = first.pid ?? 0;
  const second = await vi.waitFor(
    () => {
      const found = [pid, ...childrenOf(pid)].find((one) => commandLineOf(one).includes('main.ts'));
      // Its own child is there: signals are handed on.
      const [program] = found === undefined ? [] : childrenOf(found);
      const records = [found, program].flatMap((one) => (one === undefined ? [] : (recordOf(one) ?? [])));
      expect(records).toHaveLength(2);
      return records;
    },
    { timeout: 30_000 },
  );
  started.push(...second);
  return { first, second };
}

describe.each(ways)('the first stage of a command %s', (_, before) => {
  test('which gets the arguments, and whose exit code it has', async () => {
    const { stdout } = await execute(process.execPath, [...before, script, 'bench', '--help']);
    expect(stdout).toContain('npm run bench -- --quick');
    const refused = await execute(process.execPath, [...before, script, 'bench', '--rounds', 'many']).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--rounds many') });
  });

  test.runIf(onLinux)('with which it ends by a signal', async () => {
    const { first, second } = await startLong(before);
    expect(second.some(({ pid }) => pid === first.pid)).toBe(before.length === 0);
    const exit = once(first, 'exit');
    first.kill('SIGTERM');
    await exit;
    expect(second.filter(isAlive)).toEqual([]);
  });
});

test.runIf(onLinux)('a second stage that is a child ends when the first is killed', async () => {
  const { first, second } = await startLong(olderNode);
  first.kill('SIGKILL');
  await vi.waitFor(() => expect(second.filter(isAlive)).toEqual([]), { timeout: 30_000 });
});
