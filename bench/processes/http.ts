import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unmet } from '../row.ts';

const ROOT = '/api/v1/orchestrator';
const ANSWER_MS = 30_000;
/** What a server says that wants less at once. */
const BUSY = new Set([429, 503]);

/** A client of the orchestrator's API over kept connections. */
export class Client {
  readonly #url: string;
  readonly #agent: Agent;
  /** How often the server asked to come again later. */
  busy = 0;

  constructor(url: string, connections = 1) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  get(path: string): Promise<unknown> {
    return this.#call('GET', path);
  }

  put(path: string, body: unknown): Promise<unknown> {
    return this.#call('PUT', path, JSON.stringify(body));
  }

  delete(path: string): Promise<unknown> {
    return this.#call('DELETE', path);
  }

  /** @returns the job's id */
  async submit(body: string): Promise<string> {
    return ((await this.#call('PUT', '/jobs', body)) as { JobID: string }).JobID;
  }

  /** State and message of a job. */
  async job(id: string): Promise<{ state: string; message: string }> {
    const { Job } = (await this.get(`/jobs/${id}`)) as { Job: { State: { StateType: string; Message?: string } } };
    return { state: Job.State.StateType, message: Job.State.Message ?? '' };
  }

  close(): void {
    this.#agent.destroy();
  }

  /** A busy server is asked again. @throws Unmet for any other refusal */
  async #call(method: string, path: string, body?: string): Promise<unknown> {
    for (;;) {
      const { status, text, retryAfterS } = await this.#once(method, path, body);
      if (status === 200) return JSON.parse(text);
      if (!BUSY.has(status)) throw new Unmet(`${method} ${path}: ${status} ${text.slice(0, 500)}`);
      this.busy += 1;
      await sleep(retryAfterS * 1000);
    }
  }

  #once(method: string, path: string, body?: string): Promise<{ status: number; text: string; retryAfterS: number }> {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.#agent, timeout: ANSWER_MS };
      const sent = request(`${this.#url}${ROOT}${path}`, options, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const retryAfterS = Number(answer.headers['retry-after'] ?? 0.1);
          resolve({
            status: answer.statusCode ?? 0,
            text,
            retryAfterS: Number.isFinite(retryAfterS) ? retryAfterS : 1,
          });
        });
      });
      sent.on('error', reject);
      sent.on('timeout', () => sent.destroy(new Unmet(`${method} ${path}: no answer within ${ANSWER_MS / 1000} s`)));
      sent.end(body);
    });
  }
}
