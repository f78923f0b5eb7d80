import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { newExecutionId } from '../testing/run-spec.ts';
import { makePutPart } from './put-part.ts';

test('a part is sent as it is; what is refused for good is told from what may be tried again', async () => {
  const seen: string[] = [];
  let status = 204;
  const server = createServer((request, response) => {
    const { method, headers } = request;
    void buffer(request).then((body) => {
      seen.push(`${method} ${headers.authorization} ${body.toString('latin1')}`);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const put = makePutPart(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
  const part = { executionId: newExecutionId(), token: 't', from: 0, next: 9, end: true };
  const chunks = Buffer.from('\u{1}\0\0\0\0\0\0\u{1}x');
  expect(await put({ ...part, chunks })).toBe('stored');
  expect(seen).toEqual([`PUT Bearer t ${chunks.toString('latin1')}`]);
  status = 401;
  expect(await put({ ...part, chunks })).toBe('refused');
  for (status of [429, 500, 503]) await expect(put({ ...part, chunks })).rejects.toThrow(String(status));
  server.close();
  server.closeAllConnections();
  await expect(put({ ...part, chunks })).rejects.toThrow();
});
