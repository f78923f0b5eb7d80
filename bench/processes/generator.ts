import { now } from './clock.ts';
import { Client } from './http.ts';
import { jobBody, type JobPlan } from './job.ts';
import { serve } from './rpc.ts';

/** A process of clients that submit jobs as fast as they are answered. */

export interface Load {
  readonly url: string;
  readonly clients: number;
  /** Submitted in turns. */
  readonly jobs: readonly JobPlan[];
  /** Ends after so many jobs, */
  readonly count?: number;
  /** or so many seconds, whichever comes first. */
  readonly seconds?: number;
  /** Whether a client asks until its job has ended before it submits the next. */
  readonly follows?: boolean;
  /** Pause of each client between two jobs, ms. */
  readonly pauseMs?: number;
}

export interface Submitted {
  readonly jobId: string;
  /** Before the request was sent, by `now`. */
  readonly at: number;
  readonly answeredAt: number;
  /** When Completed was seen; only with `follows`. */
  readonly completedAt: number | null;
}

export interface Loaded {
  readonly submitted: readonly Submitted[];
  /** How often the server asked to come again later. */
  readonly busy: number;
}

/** Ends the load that runs. */
let stopping = new AbortController();

async function load({ url, clients, jobs, count = Infinity, seconds = Infinity, follows, pauseMs }: Load) {
  const client = new Client(url, clients + 1);
  const bodies = jobs.map(jobBody);
  const submitted: Submitted[] = [];
  const until = now() + seconds * 1_000;
  let next = 0;
  stopping = new AbortController();
  const { signal } = stopping;
  const one = async () => {
    while (!signal.aborted && next < count && now() < until) {
      const body = bodies[next % bodies.length] ?? '';
      next += 1;
      const at = now();
      const jobId = await client.submit(body);
      const answeredAt = now();
      if (follows === true) await completed(client, jobId);
      submitted.push({ jobId, at, answeredAt, completedAt: follows === true ? now() : null });
      if (pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  try {
    await Promise.all(Array.from({ length: clients }, one));
    return { submitted, busy: client.busy } satisfies Loaded;
  } finally {
    client.close();
  }
}

async function completed(client: Client, jobId: string): Promise<void> {
  for (;;) {
    const { state, message } = await client.job(jobId);
    if (state === 'Completed') return;
    if (state === 'Failed' || state === 'Stopped') throw new Error(`job ${jobId} is ${state}: ${message}`);
  }
}

const handlers = {
  load,
  /** Ends a load early; its call returns. */
  stop(): void {
    stopping.abort();
  },
};

export type GeneratorProcess = typeof handlers;

serve(handlers);
