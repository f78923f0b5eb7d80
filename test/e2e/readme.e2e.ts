import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { root } from '../../cli/src/up/config.ts';
import { freePort } from '../harness/free-port.ts';
import { Launched } from '../harness/launched.ts';
import { dockerHost } from '../harness/stack.ts';

/** The blocks of README.md that call the API, as they stand there. */
const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^( *)```sh\n(.*?)^\1```/gms)]
  .map(([, indent = '', text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
  .filter((text) => text.includes('curl '));
/** Those that want the admin token are for a closed installation. */
const isForClosed = (block: string) => block.includes('admin-token');

const folders: string[] = [];
const launched: Launched[] = [];
afterAll(async () => {
  for (const one of launched) await one.interrupt();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A fresh installation, and the folder from which a person calls it. */
async function install(env: Readonly<Record<string, string>>): Promise<{ port: number; home: string }> {
  const home = mkdtempSync(join(tmpdir(), 'readme-'));
  folders.push(home);
  const port = await freePort();
  const state = join(home, '.shoal');
  const one = new Launched({ cwd: root, state, port, env: { DOCKER_HOST: dockerHost(), ...env } });
  launched.push(one);
  await one.printed('Shoal is up', 90_000);
  return { port, home };
}

/** Runs a block as it stands, but for the port; a call that is refused ends it. @returns what it printed */
function run(block: string, { port, home }: { port: number; home: string }): string {
  const strict = 'set -euo pipefail; curl() { command curl -sS --fail-with-body "$@"; echo; }';
  const script = `${strict}\n${block.replaceAll('127.0.0.1:1234', `127.0.0.1:${port}`)}`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home },
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`exit ${status}\n${block}\n${stdout}\n${stderr}`);
  return stdout;
}

describe('every block of the README that calls the API works twice in a row', () => {
  test('there are some, for an open and for a closed installation', () => {
    expect(blocks.filter((block) => !isForClosed(block)).length).toBeGreaterThanOrEqual(3);
    expect(blocks.filter(isForClosed).length).toBeGreaterThanOrEqual(3);
  });

  test('on a fresh one that is open', async () => {
    const place = await install({});
    for (const block of blocks.filter((one) => !isForClosed(one))) for (let n = 0; n < 2; n += 1) run(block, place);
    for (const block of blocks.filter((one) => !isForClosed(one))) run(block, place);
    const { api } = launched.at(-1) as Launched;
    await api.waitForJob('test-job', 'Completed');
    expect((await api.executions('test-job'))[0]?.RunOutput.Stdout).toBe('hello\n');
    await api.waitForJob('test-service', 'Stopped');
  });

  test('on a fresh one that is closed, and what they register may log in', async () => {
    const place = await install({ SHOAL_AUTH: 'required' });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    mkdirSync(join(place.home, '.bacalhau'));
    writeFileSync(join(place.home, '.bacalhau', 'user_id.pem'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
    for (const block of blocks.filter(isForClosed)) for (let n = 0; n < 2; n += 1) run(block, place);
    for (const block of blocks.filter(isForClosed)) run(block, place);
    const admin = { authorization: `Bearer ${readFileSync(join(place.home, '.shoal', 'admin-token'), 'utf8').trim()}` };
    const { api } = launched.at(-1) as Launched;
    const { body } = await api.call('GET', '/api/v1/shoal/tokens', undefined, admin);
    const names = (body.Items as { Name: string; Type: string }[]).map(({ Name, Type }) => `${Type} ${Name}`);
    expect(names.filter((name) => name === 'publicKey ann')).toHaveLength(1);
    expect(names).not.toContain('key for a moment');
    expect((await api.call('GET', '/api/v1/auth')).body.Methods).toHaveProperty('ClientKey');
  });
});
