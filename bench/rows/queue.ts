import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { now } from '../processes/clock.ts';
import { jobBody } from '../processes/job.ts';
import { freshEachRound, withLoad, type Loaded } from '../processes/load.ts';
import { Unmet, type Row } from '../row.ts';
import { Installation } from '../trees/installation.ts';
import { copyJob } from './copies.ts';

/** A long queue: 100,000 jobs wait, no node is there. Then one comes. */

const WAITING = 100_000;
const HEAP_MB = 64;

export const longQueue = {
  name: 'queue',
  measures: {
    heap: { name: '100,000 jobs wait: heap that they take', unit: 'MB', better: 'less', target: HEAP_MB },
    load: { name: 'a Scheduler that starts loads them', unit: 'ms', better: 'less' },
    first: { name: 'the first task of a node that dials then', unit: 'ms', better: 'less' },
  },
  rounds: { full: 2, quick: 0 },
  deadlineMs: 120_000,
  open: async (tree) => freshEachRound(() => withLoad(Installation.start(tree, { isInspected: true }), fill), measure),
} satisfies Row<'heap' | 'load' | 'first'>;

async function fill(worker: Installation): Promise<void> {
  const job = await worker.client.submit(jobBody({}));
  await worker.stopWorker();
  copyJob(worker.state, job, WAITING);
  await worker.startWorker(true);
}

async function measure({ installation: { url, inspectorPort }, load: { agents } }: Loaded<void>) {
  const inspector = await Inspector.connect(inspectorPort);
  const idle = await inspector.heapMb();
  const dialledAt = now();
  // A node without room has the queue loaded and takes nothing of it.
  await agents.call('join', { url, nodes: [{ nodeId: `n-${randomUUID()}`, cpu: 0 }] });
  const loaded = now() - dialledAt;
  const heap = (await inspector.heapMb()) - idle;
  const after = now();
  await agents.call('join', { url, nodes: [{ nodeId: `n-${randomUUID()}`, cpu: 0.2 }] });
  const first = (await agents.call('arrival', { type: 'run', after })) - after;
  inspector.close();
  return { heap, load: loaded, first };
}

/** The Worker's inspector, for its heap. */
class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString()) as { id: number; result: unknown };
      this.#waiting.get(id)?.(result);
    });
  }

  static async connect(port: number): Promise<Inspector> {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
    const target = targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.endsWith('user:shoal'));
    if (target === undefined) throw new Unmet('the inspector does not show the Worker');
    const socket = new WebSocket(target.webSocketDebuggerUrl, { headers: { Origin: 'http://localhost' } });
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    return new Inspector(socket);
  }

  /** In use, once what nobody needs is gone. */
  async heapMb(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage');
    return ((await this.#call('Runtime.getHeapUsage')) as { usedSize: number }).usedSize / 1e6;
  }

  close(): void {
    this.#socket.close();
  }

  #call(method: string): Promise<unknown> {
    const id = ++this.#calls;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method }));
    });
  }
}
