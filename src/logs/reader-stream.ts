import { STDERR, STDOUT } from '../../schema/protocol/log-link.ts';
import type { LogParts } from './parts.ts';
import { Pace } from './pace.ts';
import { chunkFormat, frameFormat, SocketSink, StreamSink, textFormat, type Format, type Sink } from './sinks.ts';
import { rangeFormat, readRange, textLength } from './text-range.ts';

/** A response, and where the log is put so that its reader gets it. */
interface ReaderStream {
  readonly response: Response;
  /** Null: the response says all there is to say. */
  readonly sink: Sink | null;
}

const streams: Readonly<Record<string, number>> = { stdout: STDOUT, stderr: STDERR };
const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' };

/** The log over a WebSocket that is held here. @param onGone called when the reader has left */
export function openSocket(onGone: () => void): ReaderStream {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.addEventListener('close', onGone);
  server.addEventListener('error', onGone);
  return {
    response: new Response(null, { status: 101, webSocket: client }),
    sink: new SocketSink(server, new Pace(Date.now())),
  };
}

/** The log as the bytes of a WebSocket that is held elsewhere. */
export function openFrames(onGone: () => void): ReaderStream {
  return open({ format: frameFormat(), isCut: false, onGone });
}

/** The log as its chunks, for another LogStream. */
export function openChunks(onGone: () => void): ReaderStream {
  return open({ format: chunkFormat(), isCut: false, onGone });
}

/**
 * The log as text; `stream` of the query names one of its streams. A range of it is had where all of it is stored.
 * @param stored the parts of a log that is asked for from its beginning to its end; else null
 */
export async function openText(
  query: URLSearchParams,
  stored: LogParts | null,
  onGone: () => void,
): Promise<ReaderStream> {
  const stream = streams[query.get('stream') ?? ''] ?? null;
  const whole = { format: textFormat(stream), isCut: true, onGone };
  if (stored === null) return open({ ...whole, headers: TEXT });
  await stored.refresh();
  if (stored.end === null) return open({ ...whole, headers: TEXT });
  const headers = { ...TEXT, 'Accept-Ranges': 'bytes' };
  const asked = query.get('range');
  if (asked === null) return open({ ...whole, headers });
  const total = await textLength(stored, stream);
  const range = readRange(asked, total);
  if (range === null) return open({ ...whole, headers });
  if (range === 'unsatisfiable') {
    const said = { ...headers, 'Content-Range': `bytes */${total}` };
    return { response: new Response(null, { status: 416, headers: said }), sink: null };
  }
  const said = { ...headers, 'Content-Range': `bytes ${range.first}-${range.last}/${total}` };
  return open({ ...whole, format: rangeFormat(whole.format, range), headers: said, status: 206 });
}

interface Opened {
  readonly format: Format;
  readonly isCut: boolean;
  readonly onGone: () => void;
  readonly headers?: Record<string, string>;
  readonly status?: number;
}

function open({ format, isCut, onGone, headers = {}, status = 200 }: Opened): ReaderStream {
  const { readable, writable } = new IdentityTransformStream();
  return {
    response: new Response(readable, { status, headers }),
    sink: new StreamSink(writable, format, { isCut, onGone }),
  };
}
