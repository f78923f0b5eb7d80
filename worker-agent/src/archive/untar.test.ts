import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { unpackTarGz } from './untar.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'untar-'));
  onTestFinished(() => rm(folder, { recursive: true }));
});

type Member = Partial<Header> & { readonly name: string; readonly text?: string };

async function packed(...members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const { text = '', ...header } of members) tar.entry(header, text);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

test('files and folders are unpacked, and what could be run still can', async () => {
  const data = await packed(
    { name: './', type: 'directory' },
    { name: 'a/b/', type: 'directory' },
    { name: 'a/b/c.txt', text: 'deep', mode: 0o600 },
    { name: 'run.sh', text: 'echo', mode: 0o700 },
    { name: 'no/folder/of/its/own', text: '' },
  );
  expect(await unpackTarGz(data, folder, 8)).toBe(8);
  expect(await readFile(join(folder, 'a/b/c.txt'), 'utf8')).toBe('deep');
  const modeOf = async (name: string) => (await stat(join(folder, name))).mode & 0o777;
  expect([await modeOf('a/b/c.txt'), await modeOf('run.sh')]).toEqual([0o644, 0o755]);
  expect((await readdir(folder)).sort()).toEqual(['a', 'no', 'run.sh']);
});

describe('it refuses', () => {
  const cases: { readonly name: string; readonly members: readonly Member[]; readonly message: string }[] = [
    { name: 'a way out', members: [{ name: '../x', text: 'x' }], message: 'lies outside' },
    { name: 'a hidden way out', members: [{ name: 'a/../../x', text: 'x' }], message: 'lies outside' },
    { name: 'an absolute path', members: [{ name: '/etc/x', text: 'x' }], message: 'lies outside' },
    {
      name: 'a link',
      members: [{ name: 'l', type: 'symlink', linkname: '/etc/passwd' }],
      message: 'neither a file nor a folder',
    },
    {
      name: 'a hard link',
      members: [{ name: 'l', type: 'link', linkname: 'x' }],
      message: 'neither a file nor a folder',
    },
    { name: 'a device', members: [{ name: 'd', type: 'character-device' }], message: 'neither a file nor a folder' },
    {
      name: 'a file in place of another',
      members: [
        { name: 'x', text: '1' },
        { name: 'x', text: '2' },
      ],
      message: 'cannot be unpacked: EEXIST',
    },
    { name: 'more than it may take', members: [{ name: 'x', text: '123456789' }], message: 'inputs are too large' },
  ];
  for (const { name, members, message } of cases) {
    test(name, async () => {
      const unpacking = unpackTarGz(await packed(...members), folder, 8);
      await expect(unpacking).rejects.toMatchObject({
        failure: {
          class: 'permanent',
          topic: 'Downloading Inputs',
          message: expect.stringContaining(message) as string,
        },
      });
    });
  }

  test('what is no archive', async () => {
    await expect(unpackTarGz(Buffer.from('no gzip'), folder, 8)).rejects.toMatchObject({
      failure: { message: expect.stringMatching(/^the packed input cannot be unpacked: /) as string },
    });
    await expect(unpackTarGz(gzipSync(Buffer.alloc(600, 'x')), folder, 8)).rejects.toMatchObject({
      failure: { class: 'permanent' },
    });
  });

  test('a bomb, before it is on the disk', async () => {
    const bomb = await packed({ name: 'x', text: 'x'.repeat(10_000_000) });
    await expect(unpackTarGz(bomb, folder, 1_000)).rejects.toThrow('inputs are too large');
    expect(await readdir(folder)).toEqual([]);
  });
});
