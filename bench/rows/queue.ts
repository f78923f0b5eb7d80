import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
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

/** @returns the heap in use while one job waits, MB */
async function fill(worker: Installation): Promise<number> {
  const job = await worker.client.submit(jobBody({}));
  const idle = await heapMb(worker);
  await worker.stopWorker();
  copyJob(worker.state, job, WAITING);
  await worker.startWorker(true);
  return idle;
}

async function measure({ installation, load: { agents }, prepared: idle }: Loaded<number>) {
  const { url } = installation;
  const dialledAt = now();
  // A node without room has the queue loaded and takes nothing of it.
  await agents.call('join', { url, nodes: [{ nodeId: `n-${randomUUID()}`, cpu: 0 }] });
  const loaded = now() - dialledAt;
  const heap = (await heapMb(installation)) - idle;
  const after = now();
  await agents.call('join', { url, nodes: [{ nodeId: `n-${randomUUID()}`, cpu: 0.2 }] });
  const first = (await agents.call('arrival', { type: 'run', after })) - after;
  return { heap, load: loaded, first };
}

/** An inspector may not answer at all; another connection to it does. */
const TRIES = 4;
const ANSWER_MS = 10_000;
const ASK_MS = 50;

/** Of the Worker, in use once what nobody needs is gone. */
async function heapMb({ url, inspectorPort }: Installation): Promise<number> {
  // An isolate that is asked nothing leaves its inspector waiting.
  const asking = setInterval(() => void fetch(`${url}/api/v1/agent/alive`).catch(() => {}), ASK_MS);
  try {
    return await triedHeapMb(inspectorPort, TRIES);
  } finally {
    clearInterval(asking);
  }
}

async function triedHeapMb(port: number, tries: number): Promise<number> {
  try {
    return await askHeapMb(port, AbortSignal.timeout(ANSWER_MS));
  } catch (error) {
    if (tries > 1) return triedHeapMb(port, tries - 1);
    throw new Unmet(`the inspector: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function askHeapMb(port: number, signal: AbortSignal): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/json`, { signal, headers: { Connection: 'close' } });
  const targets = (await response.json()) as { webSocketDebuggerUrl: string }[];
  const target = targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.endsWith('user:shoal'));
  if (target === undefined) throw new Error('it does not show the Worker');
  const socket = new WebSocket(target.webSocketDebuggerUrl, { headers: { Origin: 'http://localhost' } });
  const abort = () => socket.terminate();
  signal.addEventListener('abort', abort);
  try {
    await once(socket, 'open', { signal });
    const call = async (id: number, method: string): Promise<unknown> => {
      const answer = once(socket, 'message', { signal });
      socket.send(JSON.stringify({ id, method }));
      const [data] = (await answer) as [Buffer];
      return (JSON.parse(data.toString()) as { result: unknown }).result;
    };
    await call(1, 'HeapProfiler.collectGarbage');
    return ((await call(2, 'Runtime.getHeapUsage')) as { usedSize: number }).usedSize / 1e6;
  } finally {
    signal.removeEventListener('abort', abort);
    socket.terminate();
  }
}
