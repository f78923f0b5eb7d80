import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { messageOf } from '../../say.mjs';
import { aptGet, hasApt } from './apt.ts';
import { addressOf, callDocker, type Address } from './api.ts';

export const sampleImage = 'busybox:latest';
const pullDeadlineMs = 60_000;

/**
 * Makes the sample's image available: present, else pulled, else made from Debian's statically linked busybox.
 * @param temporary a folder for what is downloaded
 * @returns where it came from, for the console
 * @throws Error that says why no way worked
 */
export async function ensureImage(dockerHost: string, temporary: string): Promise<string> {
  const address = addressOf(dockerHost);
  if (address === undefined) throw new Error(`cannot speak to ${dockerHost}`);
  const found = await callDocker(address, `/images/${sampleImage}/json`, { timeoutMs: 10_000 });
  if (found.status === 200) return 'present';
  const refused = await pull(address);
  if (refused === undefined) return 'pulled';
  const binary = await staticBusybox(temporary);
  if (binary === undefined) {
    throw new Error(
      `image ${sampleImage} could not be pulled (${refused}) and there is no busybox-static to make it from`,
    );
  }
  await importImage(address, readFileSync(binary), appletsOf(binary));
  return "made from Debian's busybox-static, as no image registry answered";
}

/** @returns why not */
async function pull(address: Address): Promise<string | undefined> {
  try {
    const [name, tag] = sampleImage.split(':');
    const path = `/images/create?fromImage=${name}&tag=${tag}`;
    const { status, body } = await callDocker(address, path, { method: 'POST', timeoutMs: pullDeadlineMs });
    const lines = body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const error = lines.find((line) => line.error !== undefined)?.error ?? lines.at(-1)?.message;
    return status === 200 && error === undefined ? undefined : String(error ?? `status ${status}`);
  } catch (error) {
    return messageOf(error);
  }
}

function isStatic(file: string) {
  try {
    // A dynamically linked program names its loader in the first page.
    return !/\/ld-[\w.-]+\.so|\/ld-linux/.test(readFileSync(file).subarray(0, 4096).toString('latin1'));
  } catch {
    return false;
  }
}

/** The machine's own busybox when it is static, else the one of Debian's package, which is not installed, only unpacked. */
async function staticBusybox(temporary: string) {
  const own = ['/bin/busybox', '/usr/bin/busybox'].find((file) => existsSync(file) && isStatic(file));
  if (own !== undefined || !hasApt()) return own;
  const folder = join(temporary, 'busybox');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const download = () => aptGet(['download', 'busybox-static'], folder);
  if (!(await download()) && !((await aptGet(['update'])) && (await download()))) return undefined;
  const file = readdirSync(folder).find((name) => name.endsWith('.deb'));
  if (file === undefined) return undefined;
  execFileSync('dpkg-deb', ['-x', join(folder, file), folder]);
  return ['bin/busybox', 'usr/bin/busybox'].map((path) => join(folder, path)).find((path) => existsSync(path));
}

function appletsOf(binary: string) {
  const names = execFileSync(binary, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  return names.filter((name) => name !== 'busybox' && name !== '' && !name.includes('/'));
}

/** An image's layer, as a tar archive: the program, a link to it for each of its applets, and what a container expects. */
export function busyboxLayer(binary: Buffer, applets: readonly string[]): Promise<Buffer> {
  const tar = pack();
  const mtime = new Date(0);
  for (const name of ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'usr', 'usr/bin', 'var']) {
    tar.entry({ name, mtime, mode: 0o755, type: 'directory' });
  }
  tar.entry({ name: 'tmp', mtime, mode: 0o1777, type: 'directory' });
  tar.entry({ name: 'bin/busybox', mtime, mode: 0o755 }, binary);
  for (const name of applets) {
    tar.entry({ name: `bin/${name}`, mtime, mode: 0o777, type: 'symlink', linkname: 'busybox' });
  }
  tar.entry({ name: 'etc/passwd', mtime, mode: 0o644 }, 'root:x:0:0:root:/root:/bin/sh\n');
  tar.entry({ name: 'etc/group', mtime, mode: 0o644 }, 'root:x:0:\n');
  tar.finalize();
  return buffer(tar);
}

async function importImage(address: Address, binary: Buffer, applets: readonly string[]) {
  const tar = await busyboxLayer(binary, applets);
  const [repo, tag] = sampleImage.split(':');
  const changes = ['CMD ["sh"]', 'ENV PATH=/bin:/usr/bin']
    .map((line) => `&changes=${encodeURIComponent(line)}`)
    .join('');
  const path = `/images/create?fromSrc=-&repo=${repo}&tag=${tag}${changes}`;
  const { status, body } = await callDocker(address, path, { method: 'POST', body: tar, timeoutMs: 60_000 });
  if (status !== 200 || body.includes('"error"'))
    throw new Error(`image ${sampleImage} could not be made: ${body.trim()}`);
}
