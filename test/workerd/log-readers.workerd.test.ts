import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecutionId } from '../../schema/ids.ts';
import { MAX_STORED_LOG_BYTES } from '../../schema/limits.ts';
import { STDOUT } from '../../schema/protocol/log-link.ts';
import { FakeAgent, submit } from './fake-agent.ts';
import { admin, call, chunkOf, closedEnv, makeToken, Printing, Reader, TOKENS } from './log-world.ts';

const line = chunkOf(STDOUT, 'printed\n');

const openReader = async (headers: Record<string, string>): Promise<Reader> => {
  const reader = await Reader.open(job, headers);
  await reader.sees('printed');
  return reader;
};

const revoke = async (id: string): Promise<void> => {
  expect((await call('DELETE', `${TOKENS}/${id}`, admin)).status).toBe(200);
};

let agent: FakeAgent;
let job: string;
let printing: Printing;

beforeAll(async () => {
  agent = new FakeAgent('n-of-log-readers');
  await agent.connect();
  job = await submit();
  printing = await Printing.take(agent);
  await printing.store(line);
});
afterAll(() => agent.close());

describe('an open log', () => {
  const kinds: readonly (readonly [what: string, end: () => Promise<[Record<string, string>, () => Promise<void>]>])[] =
    [
      [
        'a key is revoked',
        async () => {
          const { id, headers } = await makeToken({});
          return [headers, () => revoke(id)];
        },
      ],
      [
        'a user is removed',
        async () => {
          const fields = { Type: 'user', Username: 'ana', Password: 'correct horse' };
          const { id, headers } = await makeToken(fields, () => `Basic ${btoa('ana:correct horse')}`);
          return [headers, () => revoke(id)];
        },
      ],
      [
        'the public key is revoked by which its reader logged in',
        async () => {
          const parent = await makeToken({});
          const session = await makeToken({});
          const into = `UPDATE credentials SET kind = 'session', parent = ?1 WHERE id = ?2`;
          await closedEnv.DB.prepare(into).bind(parent.id, session.id).run();
          return [session.headers, () => revoke(parent.id)];
        },
      ],
    ];
  test.each(kinds)('ends when %s, and says so; other readers read on', async (_, make) => {
    const [headers, end] = await make();
    const other = await makeToken({});
    const [reader, again, stays, first] = await Promise.all([
      openReader(headers),
      openReader(headers),
      openReader(other.headers),
      openReader(admin),
    ]);
    await end();
    expect(await Promise.all([reader.closed, again.closed])).toEqual([1000, 1000]);
    for (const { text } of [reader, again]) {
      expect(text).toMatch(/\{"error":"the token that it is read by was revoked","value":\{"Type":0,"Line":""\}\}\n$/);
    }
    for (const { text } of [stays, first]) expect(text).not.toContain('error');
    await revoke(other.id);
    await stays.closed;
    expect(first.text).not.toContain('error');
    first.close();
  });

  test('ends when its token expires, also when its row has gone by then', async () => {
    const { id, headers } = await makeToken({});
    const until = closedEnv.DB.prepare('UPDATE credentials SET expires_at = ?1 WHERE id = ?2');
    await until.bind(Date.now() + 3_000, id).run();
    const reader = await openReader(headers);
    expect(await reader.closed).toBe(1000);
    expect(reader.text).toContain('"error":"the token that it is read by has expired"');
  });
});

describe('an upload', () => {
  test('is bounded over all parts of an execution, whoever else asks', async () => {
    const stub = closedEnv.LOGS.getByName('e-bounded');
    const id = 'e-bounded' as ExecutionId;
    expect(await stub.reserve(id, MAX_STORED_LOG_BYTES + 1)).toBe('bytes');
    expect(await stub.reserve(id, MAX_STORED_LOG_BYTES)).toBe('room');
    expect(await stub.reserve(id, 1)).toBe('bytes');
    expect(await closedEnv.LOGS.getByName('e-other').reserve('e-other' as ExecutionId, 1)).toBe('room');
  });

  test('of what is no log is refused, and leaves nothing', async () => {
    const from = line.length;
    const wrong = line.slice(0, 5);
    const answer = await printing.put(`from=${from}&next=${from + 5}`, wrong);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('whole chunks')]);
    expect((await printing.put(`from=${from}&next=${10 ** 15}`, line.slice())).status).toBe(400);
    const stored = await closedEnv.BLOBS.list({ prefix: `log/${printing.executionId}/` });
    expect(stored.objects).toHaveLength(1);
  });
});
