import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { Closed } from './backoff.ts';
import { connectUrl, makeDial } from './dialer.ts';
import type { SocketPort } from './session.ts';

let server: Server;
let sockets: WebSocketServer;
let refusal: { status: number; body: string } | null;
let headers: IncomingHttpHeaders;

beforeEach(async () => {
  refusal = null;
  sockets = new WebSocketServer({ noServer: true });
  server = createServer();
  server.on('upgrade', (request, socket, head) => {
    headers = request.headers;
    if (refusal !== null) {
      const { status, body } = refusal;
      return void socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      // At once, before the client can have done anything after its opening.
      ws.send('first');
      ws.on('message', (data) => ws.close(4001, (data as Buffer).toString('utf8')));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function dial(token: string | null): {
  socket: SocketPort;
  heard: unknown[];
  opened: Promise<void>;
  closed: Promise<Closed>;
} {
  const { port } = server.address() as AddressInfo;
  const heard: unknown[] = [];
  let open = (): void => {};
  let close: (end: Closed) => void = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const closed = new Promise<Closed>((resolve) => (close = resolve));
  const base = new URL(`http://127.0.0.1:${port}`);
  const socket = makeDial(base, token)({ open, frame: (data) => void heard.push(data), closed: close });
  return { socket, heard, opened, closed };
}

describe('a dialled socket', () => {
  test('hears the first frame, sends the token in the header, and tells how it ended', async ({ expect }) => {
    const { socket, heard, opened, closed } = dial('secret');
    await opened;
    socket.send('bye');
    expect(await closed).toEqual({ kind: 'closed', code: 4001, reason: 'bye' });
    expect(heard).toEqual(['first']);
    expect(headers.authorization).toBe('Bearer secret');
  });

  test('without a token sends no header', async ({ expect }) => {
    const { socket, opened } = dial(null);
    await opened;
    socket.terminate();
    expect(headers.authorization).toBeUndefined();
  });

  test('tells the status and the message of a refusal', async ({ expect }) => {
    refusal = { status: 503, body: '{"Status":503,"Message":"the secret SHOAL_NODE_TOKEN is not set"}' };
    expect(await dial(null).closed).toEqual({
      kind: 'refused',
      status: 503,
      body: 'the secret SHOAL_NODE_TOKEN is not set',
    });
    refusal = { status: 410, body: '' };
    expect(await dial(null).closed).toEqual({ kind: 'refused', status: 410, body: '' });
  });

  test('tells that nobody listens', async ({ expect }) => {
    const base = new URL('http://127.0.0.1:1');
    const end = await new Promise<Closed>((closed) =>
      makeDial(base, null)({ open: () => {}, frame: () => {}, closed }),
    );
    expect(end).toEqual({ kind: 'unreachable', error: expect.stringContaining('ECONNREFUSED') });
  });
});

const addresses: [base: string, want: string][] = [
  ['http://127.0.0.1:1234', 'ws://127.0.0.1:1234/api/v1/compute/connect'],
  ['https://shoal.example/', 'wss://shoal.example/api/v1/compute/connect'],
  ['wss://shoal.example/base/', 'wss://shoal.example/base/api/v1/compute/connect'],
];
for (const [base, want] of addresses) {
  test(`${base} is dialled at ${want}`, ({ expect }) => {
    expect(connectUrl(new URL(base)).href).toBe(want);
  });
}
