import { Buffer } from 'node:buffer';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { issueText } from '@shoal/schema/issue-text';
import { makeFailure, type Failure } from '@shoal/schema/protocol/common';
import { z } from 'zod';
import { unpackTarGz } from '../archive/untar.ts';
import { StepError } from '../ports.ts';
import type { Input } from './input.ts';

const HINT = 'Its URL is "data:" with a media type, perhaps ";base64", a comma and the data: "data:text/plain,hello".';
const GZIP = 'application/gzip';
const PERCENT = 0x25;

const Params = z.object({ URL: z.string() });

interface Data {
  /** Lower case; without parameters. */
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/**
 * Data that came with the job itself, as a data URL: a file, or a packed folder where its media type is gzip's.
 * @see RFC 2397; Bacalhau pkg/storage/inline
 */
export const inline: Input = {
  type: 'inline',
  examine: (params) => {
    const data = readData(params);
    return 'class' in data ? data : null;
  },
  fetch: async ({ params, folder, maxBytes }) => {
    const data = readData(params);
    if ('class' in data) throw new StepError(data);
    const path = join(folder, 'content');
    if (data.mediaType === GZIP) {
      await mkdir(path, { mode: 0o755 });
      return { path, bytes: await unpackTarGz(data.bytes, path, maxBytes) };
    }
    if (data.bytes.length > maxBytes) throw new StepError(tooLarge(data.bytes.length, maxBytes));
    // Whoever the task runs as may read it.
    await writeFile(path, data.bytes, { mode: 0o644 });
    return { path, bytes: data.bytes.length };
  },
};

function readData(params: Readonly<Record<string, unknown>>): Data | Failure {
  const given = Object.entries(params).map(([key, value]) => [/^url$/i.test(key) ? 'URL' : key, value]);
  const read = Params.safeParse(Object.fromEntries(given));
  if (!read.success) {
    const issue = read.error.issues[0];
    // The data may be a secret, and this becomes part of the job's history.
    return invalid(issue === undefined ? 'URL' : issueText(issue, { root: params, whole: 'Params', given: 'kind' }));
  }
  return decode(read.data.URL) ?? invalid('URL is not a data URL');
}

/** Null for what is none. */
function decode(url: string): Data | null {
  const comma = url.indexOf(',');
  if (!/^data:/i.test(url) || comma < 0) return null;
  const [mediaType = '', ...attributes] = url.slice('data:'.length, comma).split(';');
  const bytes = percentDecoded(url.slice(comma + 1));
  const isBase64 = attributes.at(-1)?.trim().toLowerCase() === 'base64';
  const plain = isBase64 ? base64Decoded(bytes.toString('latin1')) : bytes;
  return plain === null ? null : { mediaType: mediaType.trim().toLowerCase(), bytes: plain };
}

/** A percent sign that no two digits follow stands for itself. */
function percentDecoded(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const digits = bytes[at] === PERCENT ? bytes.toString('latin1', at + 1, at + 3) : '';
    const isEscape = /^[0-9a-f]{2}$/i.test(digits);
    bytes[length] = isEscape ? Number.parseInt(digits, 16) : (bytes[at] ?? 0);
    length += 1;
    if (isEscape) at += 2;
  }
  return bytes.subarray(0, length);
}

function base64Decoded(text: string): Buffer | null {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : null;
}

function invalid(what: string): Failure {
  return makeFailure('permanent', 'Downloading Inputs', `invalid inline input: ${what}`, HINT);
}

function tooLarge(bytes: number, maxBytes: number): Failure {
  const message = `inputs are too large: an inline one of ${bytes} bytes does not fit into the ${maxBytes} that are left`;
  return makeFailure('permanent', 'Downloading Inputs', message, 'Ask for more with Resources.Disk.');
}
