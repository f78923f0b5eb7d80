import type { IncomingMessage } from 'node:http';
import { WebSocket, type RawData } from 'ws';
import { closeReason, CONNECT_PATH } from '@shoal/schema/protocol/version';
import { errorText } from '../ports.ts';
import type { Dial, SocketEvents, SocketPort } from './session.ts';
import type { Closed } from './backoff.ts';

const HANDSHAKE_MS = 15_000;
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;
const MAX_BODY_CHARS = 500;

/** The address agents dial, from the orchestrator's base URL: http becomes ws, https becomes wss. */
export function connectUrl(base: URL): URL {
  const url = new URL(base.href);
  url.protocol = base.protocol === 'https:' || base.protocol === 'wss:' ? 'wss:' : 'ws:';
  url.pathname = `${base.pathname.replace(/\/+$/, '')}${CONNECT_PATH}`;
  return url;
}

/** Dials real WebSockets. The token goes into the header alone, never into the address or a log. */
export function makeDial(base: URL, token: string | null): Dial {
  const url = connectUrl(base);
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  return (events) => {
    const socket = new WebSocket(url, {
      headers,
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_PAYLOAD_BYTES,
      perMessageDeflate: false,
    });
    return attach(socket, events);
  };
}

function attach(socket: WebSocket, events: SocketEvents): SocketPort {
  let end: Closed | null = null;
  let told = false;
  const tell = (closed: Closed): void => {
    if (told) return;
    told = true;
    events.closed(closed);
  };
  socket.on('open', () => events.open());
  socket.on('message', (data: RawData, isBinary: boolean) => {
    // ws hands over text as one Buffer; binary is passed on as it is and refused by the decoder.
    events.frame(isBinary || !Buffer.isBuffer(data) ? data : data.toString('utf8'));
  });
  socket.on('error', (error) => {
    end ??= { kind: 'unreachable', error: errorText(error) };
  });
  socket.on('close', (code, reason) => {
    // 1006 means that no close frame came: then the error says more.
    tell(code === 1006 && end !== null ? end : { kind: 'closed', code, reason: reason.toString('utf8') });
  });
  socket.on('unexpected-response', (request, response) => {
    void readBody(response).then((body) => {
      request.destroy();
      tell({ kind: 'refused', status: response.statusCode ?? 0, body });
    });
  });
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text, () => {});
    },
    close: (code, reason) => socket.close(code, closeReason(reason)),
    terminate: () => socket.terminate(),
  };
}

/** The head of a refusal's body; of Shoal's error object only its message. Never rejects. */
async function readBody(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > MAX_BODY_CHARS) break;
    }
  } catch {
    // A body that breaks off still leaves its status.
  }
  const message = /"Message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  return (message ?? text).slice(0, MAX_BODY_CHARS).trim();
}
