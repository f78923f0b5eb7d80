import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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

describe('with nothing installed', () => {
  let clone = '';
  /** What is plain JavaScript of a clone, and one of the folders that commands make. */
  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'plain-'));
    for (const file of globSync(['scripts/*.mjs', 'cli/src/*.mjs'], { cwd: root })) {
      mkdirSync(dirname(join(clone, file)), { recursive: true });
      copyFileSync(join(root, file), join(clone, file));
    }
    mkdirSync(join(clone, 'dist'));
  });
  afterEach(() => rmSync(clone, { recursive: true, force: true }));

  const clean = (state: string) =>
    execute(process.execPath, [join(clone, 'scripts', 'run.mjs'), 'clean'], {
      env: { ...process.env, SHOAL_STATE: join(clone, state) },
    });

  test('the first stage is complete, and cleans where no state folder is', async () => {
    expect((await clean('none')).stdout).toBe('removed dist\n');
    expect(existsSync(join(clone, 'dist'))).toBe(false);
  });

  test('it installs before a state folder is removed, in whose name something may still run', async () => {
    const refused: unknown = await clean('dist').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 1, stderr: 'package-lock.json is missing: this is not a whole clone\n' });
    expect(existsSync(join(clone, 'dist'))).toBe(true);
  });
});

test.runIf(onLinux)('a second stage that is a child ends when the first is killed', async () => {
  const { first, second } = await startLong(olderNode);
  first.kill('SIGKILL');
  await vi.waitFor(() => expect(second.filter(isAlive)).toEqual([]), { timeout: 30_000 });
});
