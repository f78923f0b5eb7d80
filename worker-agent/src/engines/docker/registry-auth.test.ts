import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { registryAuth, registryOf } from './registry-auth.ts';

test.each([
  ['busybox', 'docker.io'],
  ['team/tool:1', 'docker.io'],
  ['ghcr.io/team/tool', 'ghcr.io'],
  ['localhost/tool', 'localhost'],
  ['127.0.0.1:5000/tool', '127.0.0.1:5000'],
])('%s comes from %s', (image, registry) => {
  expect(registryOf(image)).toBe(registry);
});

test('credentials of the environment go to their own registry and to no other', async () => {
  const env = { DOCKER_USERNAME: 'ann', DOCKER_PASSWORD: 'secret', DOCKER_CONFIG: '/nowhere' };
  expect(await registryAuth('busybox', env)).toMatchObject({ username: 'ann', password: 'secret' });
  expect(await registryAuth('evil.example/busybox', env)).toBeNull();
  expect(await registryAuth('busybox', { ...env, DOCKER_REGISTRY: 'ghcr.io' })).toBeNull();
  expect(await registryAuth('ghcr.io/x/y', { ...env, DOCKER_REGISTRY: 'ghcr.io' })).toMatchObject({ username: 'ann' });
});

test('what docker login kept is used, registry by registry', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'docker-config-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const auth = (text: string): object => ({ auth: Buffer.from(text).toString('base64') });
  const auths = { 'https://index.docker.io/v1/': auth('hub:a:b'), 'ghcr.io': auth('cat:dog'), 'empty.example': {} };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths }));
  const env = { DOCKER_CONFIG: folder };
  expect(await registryAuth('busybox', env)).toEqual({ username: 'hub', password: 'a:b', serveraddress: 'docker.io' });
  expect(await registryAuth('ghcr.io/x/y', env)).toEqual({
    username: 'cat',
    password: 'dog',
    serveraddress: 'ghcr.io',
  });
  expect(await registryAuth('empty.example/x', env)).toBeNull();
  expect(await registryAuth('other.example/x', env)).toBeNull();
});
