import { get, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { silentLog } from '../testing/run-spec.ts';
import { AddressPolicy } from './addresses.ts';
import { DomainList } from './domains.ts';
import { HttpProxy } from './http-proxy.ts';

let proxy: HttpProxy;
let port = 0;
const servers: Server[] = [];

beforeEach(async () => {
  const rules = { domains: new DomainList(['127.0.0.1']), addresses: new AddressPolicy(['127.0.0.1/32']) };
  proxy = new HttpProxy({ ...rules, executionId: 'e-1', jobId: 'j-1' }, silentLog);
  port = await proxy.listen('127.0.0.1', 0);
});

afterEach(async () => {
  await proxy.close();
  for (const server of servers.splice(0)) server.close();
});

async function upstream(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A server that answers every request with these bytes and closes. */
function answering(text: string): Promise<number> {
  return upstream((socket) => socket.once('data', () => socket.end(Buffer.from(text, 'latin1'))));
}

function ask(target: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: `http://127.0.0.1:${target}/` }, resolve).on('error', reject);
  });
}

async function read(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return text;
}

describe('the proxy of a task', () => {
  test.for([
    ['a status that is none', 'HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 X\r\ncontent-length: 0\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 X\r\nupgrade: foo\r\nconnection: upgrade\r\n\r\n'],
    ['no HTTP', 'garbage\r\n\r\n'],
    ['nothing', ''],
  ])('[network:HTTP] answers 502 for a server that sends %s', async ([, text], { expect }) => {
    const answer = await ask(await answering(text ?? ''));
    expect(answer.statusCode).toBe(502);
    await read(answer);
  });

  test('[network:HTTP] passes on an answer whose head names a trailer that its body cannot have', async ({
    expect,
  }) => {
    const answer = await ask(await answering('HTTP/1.1 200 OK\r\ntrailer: x\r\ncontent-length: 2\r\n\r\nok'));
    expect([answer.statusCode, await read(answer)]).toEqual([200, 'ok']);
  });

  test.for([
    ['of a known length', 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf'],
    ['in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('[network:HTTP] breaks off where the server broke off a body %s', async ([, text], { expect }) => {
    const answer = await ask(await answering(text ?? ''));
    await expect(read(answer)).rejects.toThrow('aborted');
  });

  test('[network:HTTP] each direction of a tunnel ends by itself', async ({ expect }) => {
    const received = Promise.withResolvers<string>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let text = '';
      socket.on('data', (data) => (text += String(data)));
      socket.on('close', () => received.resolve(text));
      socket.end('early');
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const target = (server.address() as AddressInfo).port;
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.write(`CONNECT 127.0.0.1:${target} HTTP/1.1\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) answer += String(chunk);
    socket.end('late');
    expect(answer).toBe('HTTP/1.1 200 Connection Established\r\n\r\nearly');
    expect(await received.promise).toBe('late');
  });
});
