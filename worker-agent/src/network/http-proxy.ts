import { lookup } from 'node:dns/promises';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorText, type Log } from '../ports.ts';
import type { AddressPolicy } from './addresses.ts';
import type { DomainList } from './domains.ts';

const MAX_CONNECTIONS = 256;
const CONNECT_MS = 15_000;
const IDLE_MS = 5 * 60_000;
const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const FIRST_FREE_PORT = 1024;
/** They are between the task and this proxy, not for those behind it. */
const hopHeaders = ['proxy-authorization', 'proxy-connection', 'connection', 'keep-alive', 'te', 'trailer', 'upgrade'];

export interface ProxyRules {
  readonly domains: DomainList;
  readonly addresses: AddressPolicy;
  readonly executionId: string;
  readonly jobId: string;
}

/** Why a request goes nowhere. */
class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * The way out of one task of network type HTTP: lets its requests through to the hosts that it may reach, over HTTP and
 * CONNECT. A name is resolved once, and the connection goes to the address that was checked.
 */
export class HttpProxy {
  readonly #rules: ProxyRules;
  readonly #log: Log;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();

  constructor(rules: ProxyRules, log: Log) {
    this.#rules = rules;
    this.#log = log;
    this.#server = createServer((request, response) => void this.#forward(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('connect', (request, socket, head) => void this.#tunnel(request, socket, head));
    this.#server.on('connection', (socket) => this.#keep(socket));
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** @throws when the address is not there or is taken */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, exclusive: true }, resolve);
    });
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? port : address.port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async #tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const { host, port } = readAuthority(request.url ?? '');
      if (port !== HTTPS_PORT && port < FIRST_FREE_PORT) throw new Refusal(403, `port ${port} may not be reached`);
      const upstream = await this.#dial(host, port);
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.write(head);
      join(socket, upstream);
    } catch (error) {
      const { status, text } = this.#refused(error, request.url ?? '');
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${text}\n`);
    }
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = URL.parse(request.url ?? '');
      if (url === null || url.protocol !== 'http:') throw new Refusal(400, 'this is a proxy: ask for http://host/...');
      const port = url.port === '' ? HTTP_PORT : Number(url.port);
      if (port !== HTTP_PORT && port < FIRST_FREE_PORT) throw new Refusal(403, `port ${port} may not be reached`);
      const socket = await this.#dial(url.hostname, port);
      this.#send(request, response, { url, socket });
    } catch (error) {
      const { status, text } = this.#refused(error, request.url ?? '');
      response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
    }
  }

  #send(request: IncomingMessage, response: ServerResponse, { url, socket }: { url: URL; socket: Socket }): void {
    const headers = { ...request.headers, host: url.host, 'x-bacalhau-job-id': this.#rules.jobId };
    for (const name of hopHeaders) Reflect.deleteProperty(headers, name);
    const options = {
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers,
      createConnection: () => socket,
    };
    const upstream = httpRequest(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => {
      if (!response.headersSent) response.writeHead(502);
      response.end();
    });
    response.on('close', () => socket.destroy());
    request.pipe(upstream);
  }

  async #dial(host: string, port: number): Promise<Socket> {
    const { domains, addresses } = this.#rules;
    if (!domains.allows(host)) throw new Refusal(403, `${host} is not among the task's Network.Domains`);
    const found = await resolveHost(host);
    const address = found.find((one) => addresses.allows(one));
    if (address === undefined) throw new Refusal(403, `${host} is an address that tasks may not reach`);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port });
      this.#keep(socket);
      socket.setTimeout(CONNECT_MS, () => socket.destroy(new Refusal(504, `${host} does not answer`)));
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.setTimeout(IDLE_MS, () => socket.destroy());
        resolve(socket);
      });
    });
  }

  #refused(error: unknown, target: string): { status: number; text: string } {
    const text = errorText(error);
    const status = error instanceof Refusal ? error.status : 502;
    this.#log.info('proxy.refused', {
      executionId: this.#rules.executionId,
      target: target.slice(0, 200),
      error: text,
    });
    return { status, text };
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

async function resolveHost(host: string): Promise<string[]> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) return [bare];
  try {
    return (await lookup(bare, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new Refusal(502, `${host} cannot be resolved: ${errorText(error)}`);
  }
}

function readAuthority(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]/]+):(\d{1,5})$/i.exec(text);
  if (match === null) throw new Refusal(400, 'CONNECT wants host:port');
  return { host: match[1] ?? '', port: Number(match[2]) };
}

function join(a: Duplex, b: Duplex): void {
  a.pipe(b);
  b.pipe(a);
  a.once('close', () => b.destroy());
  b.once('close', () => a.destroy());
}
