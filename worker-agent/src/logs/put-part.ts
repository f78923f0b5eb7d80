import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { executionLogPath } from '@shoal/schema/protocol/log-link';
import type { PutPart } from './storer.ts';

const PUT_MS = 60_000;
const TOO_OFTEN = 429;
const REDIRECT = 300;
const CLIENT_ERROR = 400;
const SERVER_ERROR = 500;

/** The address of something at the orchestrator. */
export function orchestratorUrl(base: URL, path: string, secure: string, plain: string): URL {
  const url = new URL(base.href);
  url.protocol = base.protocol === 'https:' || base.protocol === 'wss:' ? secure : plain;
  url.pathname = `${base.pathname.replace(/\/+$/, '')}${path}`;
  return url;
}

/** Sends parts over HTTP. The token goes into the header alone. */
export function makePutPart(base: URL): PutPart {
  return async ({ executionId, token, from, next, end, chunks }) => {
    const url = orchestratorUrl(base, executionLogPath(executionId), 'https:', 'http:');
    url.search = new URLSearchParams({ from: String(from), next: String(next), end: String(end) }).toString();
    const status = await put(url, { Authorization: `Bearer ${token}` }, chunks);
    if (status < REDIRECT) return 'stored';
    // What was refused for a reason of its own would be refused again.
    if (status >= CLIENT_ERROR && status < SERVER_ERROR && status !== TOO_OFTEN) return 'refused';
    throw new Error(`the orchestrator answered ${status}`);
  };
}

/** Not with `fetch`, which copies the whole body before it sends it. @returns the status */
async function put(url: URL, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<number> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sending = request(
      url,
      {
        method: 'PUT',
        headers: { ...headers, 'Content-Type': 'application/octet-stream', 'Content-Length': body.length },
        signal: AbortSignal.timeout(PUT_MS),
      },
      resolve,
    );
    sending.on('error', reject);
    sending.end(body);
  });
  await buffer(response);
  return response.statusCode ?? SERVER_ERROR;
}
