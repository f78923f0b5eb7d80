import { executionLogPath } from '@shoal/schema/protocol/log-link';
import type { PutPart } from './storer.ts';

const PUT_MS = 60_000;
const TOO_OFTEN = 429;
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
    const response = await fetch(url, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/octet-stream' },
      // Not copied: nothing here is shared between threads.
      body: chunks as Uint8Array<ArrayBuffer>,
      signal: AbortSignal.timeout(PUT_MS),
    });
    await response.arrayBuffer();
    if (response.ok) return 'stored';
    // What was refused for a reason of its own would be refused again.
    const { status } = response;
    if (status >= CLIENT_ERROR && status < SERVER_ERROR && status !== TOO_OFTEN) return 'refused';
    throw new Error(`the orchestrator answered ${status}`);
  };
}
