import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { root } from '../../cli/src/up/config.ts';
import { commandLineOf, processesNaming } from '../../cli/src/up/processes.ts';
import { Launched, plainEnvironment } from '../harness/launched.ts';
import { freePort } from '../harness/free-port.ts';

/** What is committed, in a folder that has nothing else. */
const clone = mkdtempSync(join(tmpdir(), 'fresh-'));
const output = 'Hello from container';
const state = join(clone, '.shoal');
let port = 0;

afterAll(() => rmSync(clone, { recursive: true, force: true }));

function launch(args: readonly string[] = []): Launched {
  // A newcomer has no DOCKER_HOST: the engine is found or brought up by npm start itself.
  return new Launched({ cwd: clone, state, port, args, env: { DOCKER_HOST: undefined, SHOAL_STATE: undefined } });
}

const left = () => processesNaming(clone).map((pid) => commandLineOf(pid));

test('the first npm start of a clone prints the output of the sample within 5 minutes', async () => {
  execFileSync('git', ['clone', '--quiet', root, clone]);
  port = await freePort();
  const shoal = launch();
  await shoal.printed(output, 5 * 60_000);
  await shoal.printed('Shoal is up', 10_000);
  await shoal.interrupt();
  expect(left()).toEqual([]);
});

test('the second does within 15 s, with two agents', async () => {
  const shoal = launch(['--agents', '2']);
  await shoal.printed(output, 15_000);
  expect(await shoal.api.connectedNodes(2)).toHaveLength(2);
  await shoal.interrupt();
  expect(left()).toEqual([]);
});

test('a second one on the same state or the same port says what is wrong', async () => {
  const shoal = launch();
  await shoal.printed('Shoal is up', 30_000);
  const same = launch();
  await same.printed('is in use by process', 20_000);
  const other = new Launched({ cwd: clone, state: join(clone, 'other'), port, env: { SHOAL_DOCKER: 'off' } });
  await other.printed(`port ${port} is taken`, 20_000);
  await shoal.interrupt();
});

test('a killed npm start is cleaned up by the next one', async () => {
  const shoal = launch();
  await shoal.printed('Shoal is up', 30_000);
  for (const pid of processesNaming(join(clone, 'scripts', 'main.ts'))) process.kill(pid, 'SIGKILL');
  await shoal.interrupt();
  const next = launch();
  await next.printed(output, 15_000);
  await next.interrupt();
  expect(left()).toEqual([]);
});

test('npm run clean leaves what git knows', () => {
  rmSync(join(clone, 'other'), { recursive: true, force: true });
  execFileSync('npm', ['run', '--silent', 'clean'], { cwd: clone, env: plainEnvironment() });
  expect(existsSync(join(clone, 'node_modules'))).toBe(false);
  expect(execFileSync('git', ['status', '--short', '--ignored'], { cwd: clone, encoding: 'utf8' })).toBe('');
});
