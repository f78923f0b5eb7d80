import type { Buffer } from 'node:buffer';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { makeFailure } from '@shoal/schema/protocol/common';
import { extract, type Header } from 'tar-stream';
import { errorText, StepError } from '../ports.ts';

interface Entry extends AsyncIterable<unknown> {
  readonly header: Header;
  resume(): unknown;
}

const MAX_ENTRIES = 100_000;

/**
 * Unpacks files and folders. What would lie outside the folder, links and devices are refused, and so is what is longer
 * than allowed, as soon as that shows.
 * @param folder absolute, there, and empty
 * @returns how many bytes the files have
 * @throws StepError
 */
export async function unpackTarGz(data: Buffer, folder: string, maxBytes: number): Promise<number> {
  const unpack = extract();
  const feeding = pipeline(Readable.from([data]), createGunzip(), unpack as unknown as Writable);
  // Told below, by the entries that do not come.
  feeding.catch(() => {});
  let bytes = 0;
  let entries = 0;
  try {
    for await (const entry of unpack) {
      bytes += entry.header.size;
      entries += 1;
      if (bytes > maxBytes || entries > MAX_ENTRIES) throw tooLarge(maxBytes);
      await unpackEntry(entry, folder);
    }
    await feeding;
  } catch (error) {
    if (error instanceof StepError) throw error;
    throw refused(`cannot be unpacked: ${errorText(error)}`);
  } finally {
    unpack.destroy();
  }
  return bytes;
}

async function unpackEntry(entry: Entry, folder: string): Promise<void> {
  const { name, type, mode } = entry.header;
  const path = join(folder, placeOf(name));
  if (type === 'directory') {
    await mkdir(path, { recursive: true, mode: 0o755 });
    entry.resume();
    return;
  }
  if (type !== 'file' && type !== 'contiguous-file') {
    throw refused(`holds "${name}", which is neither a file nor a folder`);
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  // Never over a file: none was there before. Whoever the task runs as may read it.
  await writeFile(path, entry as AsyncIterable<Uint8Array>, { flag: 'wx', mode: (mode & 0o111) === 0 ? 0o644 : 0o755 });
}

/** Relative, and inside the folder. */
function placeOf(name: string): string {
  const place = normalize(name);
  if (place.startsWith(sep) || place === '..' || place.startsWith(`..${sep}`) || name.includes('\0')) {
    throw refused(`holds "${name}", which lies outside of it`);
  }
  return place;
}

function refused(what: string): StepError {
  return new StepError(makeFailure('permanent', 'Downloading Inputs', `the packed input ${what}`));
}

function tooLarge(maxBytes: number): StepError {
  const message = `inputs are too large: the packed one does not fit into the ${maxBytes} bytes that are left`;
  return new StepError(makeFailure('permanent', 'Downloading Inputs', message, 'Ask for more with Resources.Disk.'));
}
