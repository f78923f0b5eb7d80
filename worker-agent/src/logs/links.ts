import { WebSocket } from 'ws';
import type { ExecutionId } from '@shoal/schema/ids';
import { LOG_PULL_BYTES } from '@shoal/schema/limits';
import {
  encodePiece,
  executionLogPath,
  LogPull,
  NO_LOG_CODE,
  PIECE_HEADER_BYTES,
} from '@shoal/schema/protocol/log-link';
import { errorText, pause, type Clock, type Log } from '../ports.ts';
import { orchestratorUrl } from './put-part.ts';
import type { LogShelf } from './shelf.ts';
import type { Spool } from './spool.ts';

const HANDSHAKE_MS = 15_000;
const TRIES = 8;
const RETRY_MS = 250;
/** Answers in flight of one link; a pull beyond it is the far end's mistake. */
const MAX_PULLS = 1_000;

interface LinkPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly base: URL;
  readonly shelf: LogShelf;
}

/** The links to those who read logs, one an execution, each there while somebody reads. */
export class LogLinks {
  readonly #ports: LinkPorts;
  readonly #open = new Set<ExecutionId>();
  readonly #stop = new AbortController();

  constructor(ports: LinkPorts) {
    this.#ports = ports;
  }

  /** Dials until the far end says that nobody reads any more, or it cannot be reached. Never rejects. */
  async open(executionId: ExecutionId, token: string): Promise<void> {
    if (this.#open.has(executionId) || this.#stop.signal.aborted) return;
    this.#open.add(executionId);
    try {
      for (let attempt = 0; attempt < TRIES && !this.#stop.signal.aborted;) {
        const startedAt = this.#ports.clock.monotonic();
        if (await this.#serve(executionId, token)) return;
        // A link that held was fine: what broke it has nothing to do with the attempts before.
        attempt = this.#ports.clock.monotonic() - startedAt > HANDSHAKE_MS ? 0 : attempt + 1;
        await pause(this.#ports.clock, RETRY_MS * 2 ** Math.min(attempt, 4), this.#stop.signal);
      }
    } finally {
      this.#open.delete(executionId);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** One connection. @returns whether it is over for good */
  async #serve(executionId: ExecutionId, token: string): Promise<boolean> {
    const { base, shelf, log } = this.#ports;
    const url = orchestratorUrl(base, executionLogPath(executionId), 'wss:', 'ws:');
    const socket = new WebSocket(url, {
      headers: { Authorization: `Bearer ${token}` },
      handshakeTimeout: HANDSHAKE_MS,
      perMessageDeflate: false,
      ...(isDirect(url) && { generateMask: (mask: Buffer) => void mask.fill(0) }),
    });
    const link = new LogLink(socket);
    // Listened to from the start: what comes with the handshake would be lost on a later listener.
    socket.on('message', (data) => link.take(Buffer.isBuffer(data) ? data.toString('utf8') : ''));
    const closed = new Promise<{ code: number; why: string }>((resolve) => {
      let why = '';
      socket.on('error', (error) => (why = errorText(error)));
      socket.on('close', (code) => resolve({ code, why }));
    });
    const stop = (): void => socket.close(1001);
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    const reading = await shelf.read(executionId);
    if (reading === null) link.refuse();
    else link.begin(reading.spool);
    const { code, why } = await closed;
    this.#stop.signal.removeEventListener('abort', stop);
    link.end();
    reading?.done();
    if (code !== 1000) log.info('log-link.ended', { executionId, code, error: why });
    return code === 1000 || reading === null || why.includes('Unexpected server response: 4');
  }
}

/**
 * Whether nobody is between. Masks are there for proxies that take a task's output for requests, and some of those look
 * into TLS; on one machine there is none, and a key of zeros spares a copy of the whole log and a pass over it.
 */
function isDirect({ hostname }: URL): boolean {
  return hostname === '127.0.0.1' || hostname === '[::1]' || hostname === 'localhost';
}

/** Answers the pulls of one connection. */
class LogLink {
  readonly #socket: WebSocket;
  readonly #over = new AbortController();
  #waiting: string[] = [];
  #spool: Spool | null = null;
  #pulls = 0;
  /** Used again: a buffer of its own for each answer would pile up until the next garbage collection. */
  #buffers: Buffer[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  begin(spool: Spool): void {
    this.#spool = spool;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const text of waiting) void this.#answer(spool, text);
  }

  refuse(): void {
    const close = (): void => this.#socket.close(NO_LOG_CODE, 'there is no such log here');
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#socket.on('open', close);
    else close();
  }

  take(text: string): void {
    if (this.#spool === null) this.#waiting.push(text);
    else void this.#answer(this.#spool, text);
  }

  end(): void {
    this.#over.abort();
  }

  async #answer(spool: Spool, text: string): Promise<void> {
    const pull = readPull(text);
    if (pull === null || this.#pulls >= MAX_PULLS) return this.#socket.close(1007, 'not a pull');
    this.#pulls += 1;
    try {
      const from = pull.from ?? spool.size;
      if (pull.wait) await spool.longerThan(from, this.#over.signal);
      if (this.#over.signal.aborted) return;
      const buffer = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(PIECE_HEADER_BYTES + LOG_PULL_BYTES);
      const room = buffer.subarray(PIECE_HEADER_BYTES);
      const { chunks, next, end } = await spool.read(from, Math.min(pull.maxBytes, room.length), room);
      const frame = encodePiece({ id: pull.id, next, end, chunks }, buffer);
      this.#socket.send(frame, () => this.#buffers.push(buffer));
    } catch {
      // The log was dropped while it was read.
      this.#socket.close(NO_LOG_CODE, 'the log is gone');
    } finally {
      this.#pulls -= 1;
    }
  }
}

function readPull(text: string): LogPull | null {
  try {
    return LogPull.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
