import { describe, expect, test } from 'vitest';
import { makeFakeApi } from '../../../test/fakes/api.ts';
import { LOG_TOKEN, LOGGED, makeFakeLogs } from '../../../test/fakes/logs.ts';
import { MAX_LOG_CHUNK_BYTES, MAX_LOG_PART_BYTES } from '../../../schema/limits.ts';
import { encodeChunk, STDOUT } from '../../../schema/protocol/log-link.ts';

const PATH = `/api/v1/compute/executions/${LOGGED}/log`;
const chunk = encodeChunk({ stream: STDOUT, bytes: new TextEncoder().encode('line\n') });

interface Upload {
  readonly query?: string;
  readonly body?: Uint8Array;
  /** What the header says; null for none. */
  readonly length?: string | null;
  readonly token?: string;
  readonly room?: 'room' | 'bytes' | 'parts';
}

async function upload({ query = 'from=0&next=13', body = chunk, length, token = LOG_TOKEN, room }: Upload) {
  const { logs, reserved, stored } = makeFakeLogs(room);
  const { app } = makeFakeApi({}, undefined, { logs });
  let read = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        read += body.length;
        controller.enqueue(body);
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const said = length === undefined ? String(body.length) : length;
  const request = new Request(`http://127.0.0.1:1234${PATH}?${query}`, {
    method: 'PUT',
    body: stream,
    duplex: 'half',
    headers: { Authorization: `Bearer ${token}`, ...(said !== null && { 'Content-Length': said }) },
  } as RequestInit);
  const response = await app.fetch(request);
  return { status: response.status, text: await response.text(), read, reserved, stored };
}

describe('a part of a log', () => {
  test('that is whole is stored, and counted before it is read', async () => {
    const got = await upload({ query: 'from=0&next=13&end=true' });
    expect(got).toMatchObject({ status: 204, reserved: [13], stored: ['0-13 true 13'], read: 13 });
  });

  const most = MAX_LOG_PART_BYTES + MAX_LOG_CHUNK_BYTES;
  const unread: readonly (readonly [what: string, upload: Upload, status: number, text: string])[] = [
    ['another token', { token: '8'.repeat(64) }, 401, 'Unauthorized'],
    ['no length', { length: null }, 411, 'Content-Length'],
    ['a length that is none', { length: '1e3' }, 411, 'Content-Length'],
    ['a length below nothing', { length: '-1' }, 411, 'Content-Length'],
    ['a byte too many', { length: String(most + 1) }, 413, `at most ${most} bytes`],
    ['an end before its beginning', { query: 'from=14&next=13' }, 400, 'next: 13 is less than from, 14'],
    ['an offset that no name can hold', { query: `from=0&next=${10 ** 15}` }, 400, 'next: 1000000000000000'],
    ['a beginning that no name can hold', { query: `from=${10 ** 15}&next=${10 ** 15}` }, 400, 'next'],
    ['too many bytes in all', { room: 'bytes' }, 413, 'is full: at most 1140850688 bytes'],
    ['too many parts in all', { room: 'parts' }, 413, 'is full: at most 40000 parts'],
  ];
  test.each(unread)('with %s is refused, and not read', async (_, given, status, text) => {
    const got = await upload(given);
    expect(got).toMatchObject({ status, read: 0, stored: [] });
    expect(got.text).toContain(text);
  });

  const long = encodeChunk({ stream: STDOUT, bytes: new Uint8Array(MAX_LOG_CHUNK_BYTES + 1) });
  const broken: readonly (readonly [what: string, upload: Upload])[] = [
    ['half a chunk', { body: chunk.subarray(0, 12) }],
    ['half a header', { body: new Uint8Array([...chunk, 1, 0, 0]) }],
    ['a chunk that no reader asks for', { body: long }],
    ['another length than it said', { length: '20' }],
  ];
  test.each(broken)('with %s is not stored', async (_, given) => {
    expect(await upload(given)).toMatchObject({ status: 400, stored: [] });
  });
});
