import type { Env } from '../env.ts';
import { readHandshake, untilClosed } from './raw-websocket.ts';

const UPGRADE = { headers: { Upgrade: 'websocket' } };
/** Between the connection and the end of its handshake, both ends of which are this Worker's. */
const HANDSHAKE_MS = 5_000;

/** What a reader asked for: the name of a LogStream, and the query to it. */
interface Ticket {
  readonly name: string;
  readonly query: string;
}

/** Sockets that are being opened. Embedded there is one isolate, so that both ends find them here. */
const tickets = new Map<string, Ticket>();

/**
 * Opens the WebSocket of a reader. A WebSocket of workerd's takes whatever is sent, and tells nobody how much of it has
 * left, so that what its reader does not take piles up in memory. Embedded, the Worker therefore opens one to itself over
 * loopback and hands that on as it is: at its other end, in `serveReaderSocket`, it writes frames to a stream that takes no
 * more than its reader does. Deployed there is no such port, and the LogStream holds the socket, with a `Pace`.
 * @throws when it cannot be opened
 */
export async function openReaderSocket(env: Env, name: string, query: string): Promise<Response> {
  if (env.LOG_SOCKETS === undefined) return env.LOGS.getByName(name).fetch(`https://log/socket?${query}`, UPGRADE);
  const id = crypto.randomUUID();
  tickets.set(id, { name, query: `${query}&reader=${id}` });
  try {
    const { webSocket } = await env.LOG_SOCKETS.fetch(`http://log/${id}`, UPGRADE);
    if (webSocket === null) throw new Error('the log cannot be opened');
    return new Response(null, { status: 101, webSocket });
  } finally {
    tickets.delete(id);
  }
}

/** The other end. To whoever has no ticket it says nothing. Never rejects. */
export async function serveReaderSocket(socket: Socket, env: Env): Promise<void> {
  socket.closed.catch(() => {});
  try {
    await serve(socket, env);
  } catch {
    // Either end broke off; the other one hears of it by the close.
  } finally {
    await socket.close().catch(() => {});
  }
}

async function serve(socket: Socket, env: Env): Promise<void> {
  const reader: ReadableStreamDefaultReader<Uint8Array> = socket.readable.getReader();
  const late = setTimeout(() => void reader.cancel().catch(() => {}), HANDSHAKE_MS);
  const handshake = await readHandshake(reader).finally(() => clearTimeout(late));
  const id = handshake?.path.slice(1) ?? '';
  const ticket = tickets.get(id);
  if (handshake === null || ticket === undefined) return;
  const stub = env.LOGS.getByName(ticket.name);
  const { body } = await stub.fetch(`https://log/frames?${ticket.query}`);
  if (body === null) return;
  const writer: WritableStreamDefaultWriter<Uint8Array> = socket.writable.getWriter();
  await writer.write(await handshake.answer());
  writer.releaseLock();
  const left = new AbortController();
  // A connection that breaks is closed as well.
  const closed = untilClosed(reader)
    .catch(() => {})
    .then(async () => {
      left.abort();
      await stub.leave(id);
    });
  closed.catch(() => {});
  try {
    await body.pipeTo(socket.writable, { signal: left.signal, preventClose: true });
  } catch (error) {
    if (!left.signal.aborted) throw error;
  }
  // The reader may stand still for long before he takes the end.
  await closed;
}
