import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { pipeline, type Duplex } from 'node:stream';
import { errorText, type Log } from '../ports.ts';
import type { AddressPolicy } from './addresses.ts';
import { checkedConnect, ConnectError } from './checked-connect.ts';
import type { DomainList } from './domains.ts';

const MAX_CONNECTIONS = 256;
const IDLE_MS = 5 * 60_000;
const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const FIRST_FREE_PORT = 1024;
/** What an answer may have: one below 200 is not the last, and more than three digits cannot be passed on. */
const FIRST_FINAL_STATUS = 200;
const LAST_STATUS = 999;
/** They are between the task and this proxy, not for those behind it. */
const hopHeaders = ['proxy-authorization', 'proxy-connection', 'connection', 'keep-alive', 'te', 'trailer', 'upgrade'];
/** They are between this proxy and the server; how the body is framed for the task depends on what the task speaks. */
const answerHopHeaders = ['connection', 'keep-alive', 'trailer', 'transfer-encoding', 'upgrade'];

export interface ProxyRules {
  readonly domains: DomainList;
  readonly addresses: AddressPolicy;
  readonly executionId: string;
  readonly jobId: string;
}

/** Where one request goes. */
interface Way {
  readonly url: URL;
  readonly socket: Socket;
  /** Ends the request with an error, or breaks its answer off where that has begun. May be called again. */
  readonly refuse: (error: unknown) => void;
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
    // Too many open files, for one: that connection is lost, those that come later need not be.
    this.#server.on('error', () => {});
  }

  /** @throws when the address is not there or is taken; it may be tried again */
  async listen(host: string, port: number): Promise<number> {
    this.#server.listen({ host, port, exclusive: true });
    await once(this.#server, 'listening');
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
    const refuse = (error: unknown): void => {
      // What a refused request has sent beyond its head is nobody's.
      request.unpipe();
      request.resume();
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      const { status, text } = this.#refused(error, request.url ?? '');
      response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
    };
    try {
      const url = URL.parse(request.url ?? '');
      if (url === null || url.protocol !== 'http:') throw new Refusal(400, 'this is a proxy: ask for http://host/...');
      const port = url.port === '' ? HTTP_PORT : Number(url.port);
      if (port !== HTTP_PORT && port < FIRST_FREE_PORT) throw new Refusal(403, `port ${port} may not be reached`);
      const socket = await this.#dial(url.hostname, port);
      response.once('close', () => socket.destroy());
      if (response.destroyed) socket.destroy();
      this.#send(request, response, { url, socket, refuse });
    } catch (error) {
      refuse(error);
    }
  }

  #send(request: IncomingMessage, response: ServerResponse, { url, socket, refuse }: Way): void {
    const headers = { ...request.headers, host: url.host, 'x-bacalhau-job-id': this.#rules.jobId };
    for (const name of hopHeaders) Reflect.deleteProperty(headers, name);
    const upstream = httpRequest({
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers,
      createConnection: () => socket,
    });
    upstream.on('error', refuse);
    // Ended without an error and without an answer.
    upstream.on('close', () => {
      if (!response.headersSent) refuse(new Error(`${url.host} broke off`));
    });
    upstream.on('upgrade', (_answer, changed) => {
      changed.destroy();
      refuse(new Error(`${url.host} wants another protocol`));
    });
    upstream.on('response', (answer) => {
      try {
        writeAnswerHead(answer, response);
      } catch (error) {
        answer.destroy();
        refuse(error);
        return;
      }
      // On an error it destroys the response, so that the task does not take what came for the whole.
      pipeline(answer, response, () => {});
    });
    request.pipe(upstream);
  }

  async #dial(host: string, port: number): Promise<Socket> {
    const { domains, addresses } = this.#rules;
    if (!domains.allows(host)) throw new Refusal(403, `${host} is not among the task's Network.Domains`);
    const socket = await checkedConnect({ host, port }, addresses, (made) => this.#keep(made));
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    return socket;
  }

  #refused(error: unknown, target: string): { status: number; text: string } {
    const text = errorText(error);
    const status = error instanceof Refusal ? error.status : statusOf(error);
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

const statuses: Readonly<Record<ConnectError['why'], number>> = { forbidden: 403, unresolved: 502, silent: 504 };

function statusOf(error: unknown): number {
  return error instanceof ConnectError ? statuses[error.why] : 502;
}

function readAuthority(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]/]+):(\d{1,5})$/i.exec(text);
  if (match === null) throw new Refusal(400, 'CONNECT wants host:port');
  return { host: match[1] ?? '', port: Number(match[2]) };
}

/** @throws when the server's answer is none that can be passed on */
function writeAnswerHead(answer: IncomingMessage, response: ServerResponse): void {
  const status = answer.statusCode ?? 0;
  if (status < FIRST_FINAL_STATUS || status > LAST_STATUS) throw new Refusal(502, `answered with status ${status}`);
  const headers = { ...answer.headers };
  for (const name of answerHopHeaders) Reflect.deleteProperty(headers, name);
  response.writeHead(status, headers);
}

function join(a: Duplex, b: Duplex): void {
  pipeline(a, b, () => {});
  pipeline(b, a, () => {});
}
