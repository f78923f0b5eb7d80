import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ExecutionId } from '@shoal/schema/ids';
import { fromAgent, type FromAgent, type Hello, type Report } from '@shoal/schema/protocol/from-agent';
import { decodeFrame } from '@shoal/schema/protocol/frames';
import { readChunks } from '@shoal/schema/protocol/log-link';
import { CONNECT_PATH, PING, PONG } from '@shoal/schema/protocol/version';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';

const EPOCH = 1;

/** The Scheduler's end of the link on a real socket: welcomes everybody, acknowledges reports, remembers all frames. */
export class FakeScheduler {
  readonly frames: FromAgent[] = [];
  /** Whether reports are acknowledged as they come. */
  acknowledges = true;
  /** The parts of logs that were stored, in the order they came. */
  readonly parts: { executionId: string; from: number; next: number; end: boolean; chunks: Buffer }[] = [];
  readonly #http: Server;
  readonly #server: WebSocketServer;
  #socket: WebSocket | null = null;
  #session = '';
  #sessions = 0;
  #watchers: (() => void)[] = [];

  private constructor(http: Server) {
    this.#http = http;
    const server = new WebSocketServer({ server: http, path: CONNECT_PATH });
    this.#server = server;
    http.on('request', (request, response) => void this.#store(request, response));
    server.on('connection', (socket) => this.#connected(socket));
  }

  static async start(): Promise<FakeScheduler> {
    const http = createServer();
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return new FakeScheduler(http);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  run(spec: RunSpec): void {
    this.#send({ type: 'run', ...spec, token: 'token' });
  }

  stop(executionId: ExecutionId, reason: string): void {
    this.#send({ type: 'stop', executionId, reason });
  }

  /** The first frame, past or to come, that is wanted; rejects after 30 s. */
  async find<T extends FromAgent>(wanted: (frame: FromAgent) => frame is T): Promise<T> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`not among ${JSON.stringify(this.frames.map((one) => one.type))}`);
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve);
        setTimeout(resolve, 1_000).unref();
      });
    }
  }

  async hello(count = 1): Promise<Hello> {
    const isNth = (frame: FromAgent): frame is Hello =>
      frame.type === 'hello' && this.frames.filter((one) => one.type === 'hello').indexOf(frame) === count - 1;
    return this.find(isNth);
  }

  /** The final report of an execution. */
  async ended(executionId: ExecutionId): Promise<Report> {
    const isEnd = (frame: FromAgent): frame is Report =>
      frame.type === 'report' && frame.executionId === executionId && frame.state !== 'Running';
    return this.find(isEnd);
  }

  async running(executionId: ExecutionId): Promise<void> {
    const isRunning = (frame: FromAgent): frame is Report =>
      frame.type === 'report' && frame.executionId === executionId && frame.state === 'Running';
    await this.find(isRunning);
  }

  async close(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  /** A log as it is stored: what its parts hold, by offset. */
  log(executionId: string): string {
    const parts = this.parts.filter((part) => part.executionId === executionId);
    let text = '';
    for (let at = 0; ;) {
      const part = parts.find((one) => one.from <= at && at < one.next);
      if (part === undefined) return text;
      for (const { bytes } of readChunks(part.chunks.subarray(at - part.from)))
        text += Buffer.from(bytes).toString('utf8');
      at = part.next;
    }
  }

  async #store(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://x');
    const executionId = /executions\/([^/]+)\/log$/.exec(url.pathname)?.[1] ?? '';
    const number = (name: string): number => Number(url.searchParams.get(name));
    const chunks = await buffer(request);
    const end = url.searchParams.get('end') === 'true';
    this.parts.push({ executionId, from: number('from'), next: number('next'), end, chunks });
    response.writeHead(204).end();
  }

  #connected(socket: WebSocket): void {
    this.#socket = socket;
    socket.on('message', (data) => {
      const text = (data as Buffer).toString('utf8');
      if (text === PING) return socket.send(PONG);
      const read = decodeFrame(fromAgent, text);
      if (!read.ok) throw new Error(`not a frame: ${text}`);
      this.#received(read.frame);
    });
  }

  #received(frame: FromAgent): void {
    if (frame.type === 'hello') {
      this.#session = `s-${(this.#sessions += 1)}`;
      this.#send({ type: 'welcome', protocol: 1, mode: 'active', heartbeatMs: 1_000 });
    }
    if (frame.type === 'report' && this.acknowledges) {
      this.#send({ type: 'ackReport', executionId: frame.executionId, seq: frame.seq });
    }
    this.frames.push(frame);
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const wake of watchers) wake();
  }

  #send(frame: object): void {
    this.#socket?.send(JSON.stringify({ epoch: EPOCH, session: this.#session, ...frame }));
  }
}
