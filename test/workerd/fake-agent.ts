import { exports } from 'cloudflare:workers';
import type { ExecutionId } from '../../schema/ids.ts';
import type { Held } from '../../schema/protocol/common.ts';
import type { FromAgent, Report } from '../../schema/protocol/from-agent.ts';
import type { ToAgent } from '../../schema/protocol/to-agent.ts';
import { CONNECT_PATH, PROTOCOL_VERSION } from '../../schema/protocol/version.ts';

const ORIGIN = 'http://127.0.0.1';
/** Longer than a busy machine takes for anything, shorter than a test may last. */
const PATIENCE_MS = 20_000;

type Frame<T extends ToAgent['type']> = Extract<ToAgent, { type: T }>;
export type Outcome = Report extends infer R
  ? R extends Report
    ? Omit<R, 'type' | 'executionId' | 'seq'>
    : never
  : never;

export const completed: Outcome = {
  state: 'Completed',
  output: { stdout: 'hi\n', stdoutTruncated: false, stderr: '', stderrTruncated: false, exitCode: 0, errorMessage: '' },
};

/** Calls the Worker's API as a loopback client; answers status and JSON. */
export async function api(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await exports.default.fetch(`${ORIGIN}/api/v1${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}

export async function submit(job: Record<string, unknown> = {}): Promise<string> {
  const Tasks = [{ Name: 'main', Engine: { Type: 'docker', Params: { Image: 'busybox' } } }];
  const { status, body } = await api('PUT', '/orchestrator/jobs', {
    Job: { Type: 'batch', Count: 1, Tasks, ...job },
  });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return (body as { JobID: string }).JobID;
}

export async function stateOf(jobId: string): Promise<string> {
  const { body } = await api('GET', `/orchestrator/jobs/${jobId}`);
  return (body as { Job: { State: { StateType: string } } }).Job.State.StateType;
}

/** What of a `hello` differs from one fake agent to the next. */
export interface Greets {
  readonly labels?: Readonly<Record<string, string>>;
  readonly sources?: string[];
  /** One process of the agent; default a new one. */
  readonly agentInstance?: string;
  /** Default the present version. */
  readonly protocol?: number;
}

/** An agent over a real WebSocket through the Worker, whose every word the test says. */
export class FakeAgent {
  readonly nodeId: string;
  readonly frames: ToAgent[] = [];
  /** Hears each frame as it arrives. */
  onFrame: (frame: ToAgent) => void = () => {};
  closed: { code: number; reason: string } | null = null;
  #socket: WebSocket | null = null;
  #waiting: (() => void)[] = [];

  constructor(nodeId: string) {
    this.nodeId = nodeId;
  }

  /** Dials in and says hello; resolves at the welcome. */
  async connect(
    holds: Held[] = [],
    { labels = {}, sources = [], agentInstance, protocol = PROTOCOL_VERSION }: Greets = {},
  ): Promise<Frame<'welcome'>> {
    await this.dial();
    this.send({
      type: 'hello',
      protocol,
      nodeId: this.nodeId as never,
      agentInstance: agentInstance ?? crypto.randomUUID(),
      agentVersion: 'test',
      os: 'linux',
      arch: 'amd64',
      labels,
      engines: ['docker'],
      publishers: ['noop'],
      sources,
      capacity: { cpu: 4, memory: 4e9, disk: 4e9, gpu: 0 },
      holds,
      more: false,
    });
    return this.next('welcome');
  }

  async dial(): Promise<void> {
    const response = await exports.default.fetch(`${ORIGIN}${CONNECT_PATH}`, { headers: { Upgrade: 'websocket' } });
    const socket = response.webSocket;
    if (socket === null) throw new Error(`no upgrade: ${response.status} ${await response.text()}`);
    socket.addEventListener('message', ({ data }) => {
      if (data === 'pong' || this.#socket !== socket) return;
      const frame = JSON.parse(String(data)) as ToAgent;
      this.frames.push(frame);
      this.onFrame(frame);
      this.#wake();
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#socket !== socket) return;
      this.closed = { code, reason };
      this.#wake();
    });
    this.#socket = socket;
    this.closed = null;
    socket.accept();
  }

  send(frame: FromAgent): void {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.#socket?.send(text);
  }

  ack({ executionId }: { executionId: ExecutionId }): void {
    this.send({ type: 'ack', executionId });
  }

  report({ executionId }: { executionId: ExecutionId }, seq: number, outcome: Outcome): void {
    this.send({ type: 'report', executionId, seq, ...outcome });
  }

  /** Ends the connection; nothing that arrives on it from now on is heard. */
  close(): void {
    this.#socket?.close(1000, 'gone');
    this.#socket = null;
    this.closed ??= { code: 1000, reason: 'gone' };
  }

  /** The next frame of this type that was not taken yet. @throws Error after 20 s, or when the socket is closed */
  async next<T extends ToAgent['type']>(type: T): Promise<Frame<T>> {
    return this.#until(() => {
      const i = this.frames.findIndex((frame) => frame.type === type);
      if (i < 0 && this.closed !== null) throw new Error(`${this.nodeId} was closed: ${this.closed.reason}`);
      return i < 0 ? undefined : (this.frames.splice(i, 1)[0] as Frame<T>);
    }, type);
  }

  async closing(): Promise<{ code: number; reason: string }> {
    return this.#until(() => this.closed ?? undefined, 'a close');
  }

  async #until<T>(look: () => T | undefined, what: string): Promise<T> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (Date.now() > until) throw new Error(`${this.nodeId} waited for ${what}; has ${JSON.stringify(this.frames)}`);
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        setTimeout(resolve, 200);
      });
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Polls until it is so. @throws Error after 20 s */
export async function eventually(look: () => Promise<boolean>): Promise<void> {
  for (const until = Date.now() + PATIENCE_MS; !(await look());) {
    if (Date.now() > until) throw new Error('it never became so');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
