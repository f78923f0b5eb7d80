import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { ExecutionId } from '../../schema/ids.ts';
import { encodeChunk } from '../../schema/protocol/log-link.ts';
import { depsOf } from '../../src/deps-of.ts';
import type { Env } from '../../src/env.ts';
import { makeApp } from '../../src/http/app.ts';
import type { FakeAgent } from './fake-agent.ts';

const ADMIN = 'first-credential-of-those-who-read-logs';
export const TOKENS = '/api/v1/shoal/tokens';
export const admin = { Authorization: `Bearer ${ADMIN}` };
export const closedEnv = { ...(env as unknown as Env), SHOAL_AUTH: 'required', SHOAL_ADMIN_TOKEN: ADMIN };
const app = makeApp(depsOf(closedEnv));

/** Asks a closed installation whose database is that of the open one. */
export async function call(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: BodyInit,
): Promise<Response> {
  const request = new Request(`https://shoal.example${path}`, { method, headers, ...(body !== undefined && { body }) });
  return app.fetch(request, closedEnv, createExecutionContext());
}

/** A credential, and the header that shows it. */
export async function makeToken(fields: object, headerOf = (secret: string) => `Bearer ${secret}`) {
  const body = JSON.stringify({ Capabilities: ['read:job'], ...fields });
  const got = await call('POST', TOKENS, { ...admin, 'Content-Type': 'application/json' }, body);
  const { Token, Secret = '' } = (await got.json()) as { Token: { ID: string }; Secret?: string };
  return { id: Token.ID, headers: { Authorization: headerOf(Secret) } };
}

export function chunkOf(stream: number, text: string): Uint8Array<ArrayBuffer> {
  return encodeChunk({ stream, bytes: new TextEncoder().encode(text) }).slice();
}

/** An execution that an agent has taken, and how the agent stores its log. */
export class Printing {
  readonly executionId: ExecutionId;
  readonly #token: string;
  #at = 0;

  private constructor(executionId: ExecutionId, token: string) {
    this.executionId = executionId;
    this.#token = token;
  }

  static async take(agent: FakeAgent): Promise<Printing> {
    const run = await agent.next('run');
    agent.ack(run);
    return new Printing(run.executionId, run.token ?? '');
  }

  /** One more part, which may be the last. */
  async store(body: Uint8Array<ArrayBuffer>, end = false): Promise<void> {
    const query = `from=${this.#at}&next=${this.#at + body.length}&end=${end}`;
    const { status } = await this.put(query, body);
    if (status !== 204) throw new Error(`a part was answered with ${status}`);
    this.#at += body.length;
  }

  /** Dials in for readers, and answers nothing. @returns the code with which the link is closed */
  async link(): Promise<{ closed: Promise<number> }> {
    const headers = { Authorization: `Bearer ${this.#token}`, Upgrade: 'websocket' };
    const { webSocket } = await call('GET', `/api/v1/compute/executions/${this.executionId}/log`, headers);
    if (webSocket === null) throw new Error('no upgrade for the agent');
    const closed = new Promise<number>((resolve) => {
      webSocket.addEventListener('close', ({ code }) => resolve(code));
    });
    webSocket.accept();
    return { closed };
  }

  put(query: string, body: Uint8Array<ArrayBuffer>): Promise<Response> {
    // Over the network it is always there.
    const headers = { Authorization: `Bearer ${this.#token}`, 'Content-Length': String(body.length) };
    return call('PUT', `/api/v1/compute/executions/${this.executionId}/log?${query}`, headers, body);
  }
}

/** A reader over a WebSocket that notes what comes. */
export class Reader {
  text = '';
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  #wake = (): void => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', ({ code }) => resolve(code));
    });
    socket.addEventListener('message', ({ data }) => {
      this.text += String(data);
      this.#wake();
    });
    socket.accept();
  }

  static async open(job: string, headers: Record<string, string>, query = 'follow=true'): Promise<Reader> {
    const path = `/api/v1/orchestrator/jobs/${job}/logs?${query}`;
    const { webSocket, status } = await call('GET', path, { ...headers, Upgrade: 'websocket' });
    if (webSocket === null) throw new Error(`no upgrade: ${status}`);
    return new Reader(webSocket);
  }

  async sees(text: string): Promise<void> {
    while (!this.text.includes(text)) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  close(): void {
    this.#socket.close(1000);
  }
}
