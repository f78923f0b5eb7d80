import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever was answered
  readonly body: any;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface ExecutionView {
  readonly ID: string;
  readonly NodeID: string;
  readonly ComputeState: { readonly StateType: number; readonly Message?: string };
  readonly RunOutput: { readonly Stdout: string; readonly stderr: string; readonly ExitCode: number };
}

/** Wire integer of a completed execution. */
export const COMPLETED = 9;

/** curl announces a big body and sends it only when the server wants it; most clients send it at once. */
const EXPECT = '100-continue';

const terminal = ['Completed', 'Failed', 'Stopped'];

/** A client of the HTTP API that may send any header, Host included. */
export class Api {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** `body`: text is sent as it is, anything else as JSON; after the server's go when `headers` has `expect`. */
  call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const length =
      text === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': Buffer.byteLength(text) };
    const type = text === undefined ? {} : { 'content-type': 'application/json', ...length };
    return new Promise((resolve, reject) => {
      const options = { method, headers: { ...type, ...headers }, agent: false, timeout: 20_000 };
      const req = request(`${this.url}${path}`, options, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          const answer = Buffer.concat(chunks).toString('utf8');
          req.destroy();
          resolve({ status: res.statusCode ?? 0, body: parsed(answer), headers: res.headers });
        });
      });
      req.on('error', reject);
      req.on('timeout', () => req.destroy(new Error(`${method} ${path}: no answer within 20 s`)));
      if (headers['expect'] !== EXPECT) return void req.end(text);
      req.on('continue', () => req.end(text));
      req.flushHeaders();
    });
  }

  get(path: string): Promise<Answer> {
    return this.call('GET', `/api/v1/orchestrator${path}`);
  }

  put(job: unknown): Promise<Answer> {
    return this.call('PUT', '/api/v1/orchestrator/jobs', { Job: job });
  }

  /** Submits and expects to be taken. */
  async submit(job: unknown): Promise<string> {
    const { status, body } = await this.put(job);
    if (status !== 200) throw new Error(`the job was not taken: ${status} ${JSON.stringify(body)}`);
    return String(body.JobID);
  }

  async job(id: string) {
    const { status, body } = await this.get(`/jobs/${id}`);
    if (status !== 200) throw new Error(`${id}: ${status} ${JSON.stringify(body)}`);
    return body.Job;
  }

  async executions(id: string): Promise<readonly ExecutionView[]> {
    return (await this.get(`/jobs/${id}/executions`)).body.Items;
  }

  /** Waits for a state; a job that ends in another one is an error at once. Unreachable counts as not yet. */
  async waitForJob(id: string, state: string, withinMs = 60_000) {
    const until = Date.now() + withinMs;
    for (;;) {
      const job = await this.job(id).catch(() => undefined);
      if (job?.State.StateType === state) return job;
      const ended = job !== undefined && terminal.includes(job.State.StateType);
      if (ended || Date.now() > until) throw new Error(`${id} is not ${state}: ${JSON.stringify(job?.State)}`);
      await sleep(50);
    }
  }

  async connectedNodes(count: number, withinMs = 60_000): Promise<readonly string[]> {
    const until = Date.now() + withinMs;
    for (;;) {
      const { body } = await this.get('/nodes');
      const nodes: { Info: { NodeID: string; NodeType: string }; Connection: string }[] = body.Nodes ?? [];
      const ids = nodes.filter((node) => node.Info.NodeType === 'Compute' && node.Connection === 'CONNECTED');
      if (ids.length >= count) return ids.map((node) => node.Info.NodeID);
      if (Date.now() > until) throw new Error(`${ids.length} nodes are connected, not ${count}`);
      await sleep(50);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A Docker job of one task. */
export function dockerJob(entrypoint: readonly string[], more: Readonly<Record<string, unknown>> = {}) {
  return {
    Type: 'batch',
    Count: 1,
    Tasks: [
      {
        Name: 'main',
        Engine: { Type: 'docker', Params: { Image: 'busybox:latest', Entrypoint: entrypoint } },
        Resources: { CPU: '0.05', Memory: '16mb' },
        Timeouts: { ExecutionTimeout: 60 },
      },
    ],
    ...more,
  };
}
