import { WebSocket } from 'ws';

interface Frame {
  readonly value: { readonly Type: number; readonly Line: string };
  readonly error?: string;
}

/** A reader of a job's log, as Bacalhau's clients are. */
export class LogViewer {
  readonly frames: string[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  #stdout = '';
  #stderr = '';
  #watchers: (() => void)[] = [];
  error = '';
  /** When the last output came, by the monotonic clock. */
  lastAt = 0;

  /** @param query as in the address, without a question mark */
  constructor(baseUrl: string, job: string, query = '', headers: Readonly<Record<string, string>> = {}) {
    const url = `${baseUrl.replace('http', 'ws')}/api/v1/orchestrator/jobs/${job}/logs?${query}`;
    this.#socket = new WebSocket(url, { headers, perMessageDeflate: false });
    this.#socket.on('message', (data) => this.#take(Buffer.isBuffer(data) ? data.toString('utf8') : ''));
    this.closed = new Promise((resolve, reject) => {
      this.#socket.on('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') }));
      this.#socket.on('unexpected-response', (_request, response) => reject(new Error(String(response.statusCode))));
      this.#socket.on('error', () => {});
    });
    this.closed.catch(() => {});
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves when the output has this in it. */
  async sees(text: string, withinMs = 60_000): Promise<void> {
    const until = Date.now() + withinMs;
    while (!this.#stdout.includes(text)) {
      if (Date.now() > until)
        throw new Error(`not within ${withinMs} ms: ${text}; ${this.error} ${this.#stdout.slice(-200)}`);
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve);
        setTimeout(resolve, 200).unref();
      });
    }
  }

  /** Takes nothing any more. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  kill(): void {
    this.#socket.terminate();
  }

  #take(text: string): void {
    const frame = JSON.parse(text) as Frame;
    if (this.frames.length < 100) this.frames.push(text);
    this.error += frame.error ?? '';
    if (frame.value.Type === 1) this.#stdout += frame.value.Line;
    if (frame.value.Type === 2) this.#stderr += frame.value.Line;
    this.lastAt = performance.now();
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const wake of watchers) wake();
  }
}
