import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { AttachedOutput } from './attach.ts';

const PATH = '/containers/e-1/attach?stream=true';
const never = new AbortController().signal;

/** A socket where `serve` answers the first request that comes. */
async function serving(serve: (socket: Socket, request: string) => void): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'attach-'));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (data) => serve(socket, data.toString('utf8')));
  });
  const path = join(folder, 'd.sock');
  server.listen(path);
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await rm(folder, { recursive: true });
  });
  return path;
}

async function read(output: AttachedOutput | null): Promise<string> {
  let text = '';
  for await (const piece of output ?? []) text += Buffer.from(piece).toString('latin1');
  return text;
}

const AGREED = 'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\n';

test('all that comes after the head is given in order, however it is cut, to its end', async () => {
  const pieces = Array.from({ length: 300 }, (_, i) => `${i},`.repeat(i * 10));
  let request = '';
  const path = await serving((socket, text) => {
    request = text;
    socket.write(AGREED.slice(0, 30));
    setTimeout(() => {
      socket.write(`${AGREED.slice(30)}first,`);
      for (const piece of pieces) socket.write(piece);
      socket.end();
    }, 20);
  });
  expect(await read(await AttachedOutput.open(path, PATH, never))).toBe(`first,${pieces.join('')}`);
  expect(request).toMatch(/^POST \/containers\/e-1\/attach\?stream=true HTTP\/1\.1\r\n/);
});

test('what is not agreed to is left to the ordinary call', async () => {
  const path = await serving((socket) =>
    socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}'),
  );
  expect(await AttachedOutput.open(path, PATH, never)).toBeNull();
  const silent = await serving((socket) => socket.end());
  expect(await AttachedOutput.open(silent, PATH, never)).toBeNull();
});

test('nobody there, and no answer in time, are errors', async () => {
  await expect(AttachedOutput.open('/nowhere.sock', PATH, never)).rejects.toThrow('ENOENT');
  const path = await serving(() => {});
  await expect(AttachedOutput.open(path, PATH, AbortSignal.timeout(50))).rejects.toThrow('timeout');
});

test('a reader who has enough lets go of the connection', async () => {
  let closed: Promise<unknown> = Promise.resolve();
  const path = await serving((socket) => {
    closed = once(socket, 'close');
    socket.write(`${AGREED}some`);
  });
  const output = await AttachedOutput.open(path, PATH, never);
  for await (const piece of output ?? []) {
    expect(Buffer.from(piece).toString('utf8')).toBe('some');
    break;
  }
  await closed;
});
