import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { sampleImage } from './docker/image.ts';
import { say } from '../say.mjs';
import type { Secrets } from './secrets.ts';

const sampleJob = {
  Type: 'batch',
  Count: 1,
  Labels: { sample: 'true' },
  Tasks: [
    {
      Name: 'hello',
      Engine: {
        Type: 'docker',
        Params: {
          Image: sampleImage,
          Entrypoint: ['sh', '-c', 'echo "Hello from container $(hostname), run by Shoal."'],
        },
      },
      Resources: { CPU: '0.1', Memory: '64mb' },
      Timeouts: { ExecutionTimeout: 60 },
    },
  ],
};

const terminal = new Set(['Completed', 'Failed', 'Stopped']);
/** Faster at first, when a person watches. */
const quickMs = 100;
const slowMs = 2_000;
const quickForMs = 30_000;
/** A state that lasts this long is worth its reason. */
const reasonAfterMs = 1_500;
const waitingAfterMs = 5_000;

/** How to reach the installation. */
export interface Door {
  readonly url: string;
  /** Undefined: it is open. */
  readonly secrets: Secrets | undefined;
}

/** What is read of the answers. */
const NodeList = z.object({
  Nodes: z
    .array(z.object({ Connection: z.string(), Info: z.object({ NodeID: z.string(), NodeType: z.string() }) }))
    .nullable(),
});
const Submitted = z.object({ JobID: z.string() });
const OneJob = z.object({
  Job: z.object({ State: z.object({ StateType: z.string(), Message: z.string().optional() }) }),
});
const Executions = z.object({
  Items: z
    .array(z.object({ RunOutput: z.object({ Stdout: z.string(), stderr: z.string() }).partial().nullish() }))
    .nullable(),
});

interface Question<T> {
  /** Below the API's own. */
  readonly path: string;
  readonly answer: z.ZodType<T>;
  /** Default: none, which is a GET. */
  readonly put?: unknown;
}

async function callApi<T>({ url, secrets }: Door, { path, answer, put }: Question<T>): Promise<T> {
  const headers = {
    ...(put !== undefined && { 'content-type': 'application/json' }),
    ...(secrets !== undefined && { authorization: `Bearer ${secrets.adminToken}` }),
  };
  const response = await fetch(`${url}/api/v1${path}`, {
    ...(put !== undefined && { method: 'PUT', body: JSON.stringify(put) }),
    headers,
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return answer.parse(JSON.parse(text));
}

/**
 * Waits until as many agents are connected.
 * @returns the ids of those that are
 */
export async function connectedNodes(door: Door, count: number, withinMs: number): Promise<string[]> {
  const until = Date.now() + withinMs;
  for (;;) {
    const { Nodes } = await callApi(door, { path: '/orchestrator/nodes', answer: NodeList }).catch(() => ({
      Nodes: [],
    }));
    const connected = (Nodes ?? []).filter(
      ({ Connection, Info }) => Info.NodeType === 'Compute' && Connection === 'CONNECTED',
    );
    if (connected.length >= count || Date.now() > until) return connected.map(({ Info }) => Info.NodeID);
    await sleep(quickMs);
  }
}

/**
 * Submits the sample job and tells what becomes of it until it ended.
 * @param onWaiting called when it is clear that it will not run at once
 */
export async function runSample(door: Door, signal: AbortSignal, onWaiting: () => void) {
  const put = { Job: sampleJob };
  const { JobID } = await callApi(door, { path: '/orchestrator/jobs', answer: Submitted, put });
  say(`\nSample job ${JobID}`);
  if (!(await watchJob({ door, id: JobID, signal, onWaiting }))) return;
  const path = `/orchestrator/jobs/${JobID}/executions`;
  const { Items } = await callApi(door, { path, answer: Executions });
  for (const execution of Items ?? []) {
    const output = execution.RunOutput ?? {};
    const text = `${output.Stdout ?? ''}${output.stderr ?? ''}`.trimEnd();
    if (text !== '') say(`  output: ${text}`);
  }
}

interface Watched {
  readonly door: Door;
  readonly id: string;
  readonly signal: AbortSignal;
  readonly onWaiting: () => void;
}

/** @returns whether it ended */
async function watchJob({ door, id, signal, onWaiting }: Watched): Promise<boolean> {
  const begin = Date.now();
  let shown = { state: '', reason: '', since: begin };
  while (!signal.aborted) {
    const { Job } = await callApi(door, { path: `/orchestrator/jobs/${id}`, answer: OneJob });
    const { StateType: state, Message: message = '' } = Job.State;
    if (state !== shown.state) {
      say(`  ${state}`);
      shown = { ...shown, state, since: Date.now() };
    }
    const ended = terminal.has(state);
    const matters = ended ? state !== 'Completed' : Date.now() - shown.since > reasonAfterMs;
    if (matters && message !== '' && message !== shown.reason) {
      say(`    ${message.trim().replaceAll('\n', '\n    ')}`);
      shown = { ...shown, reason: message };
    }
    if (ended) return true;
    if (Date.now() - shown.since > waitingAfterMs) onWaiting();
    await sleep(Date.now() - begin < quickForMs ? quickMs : slowMs);
  }
  return false;
}

export function sayNextSteps({ url, secrets }: Door) {
  const job = JSON.stringify({
    Job: {
      Name: 'my-first-job',
      Type: 'batch',
      Count: 1,
      Tasks: [
        { Name: 'main', Engine: { Type: 'docker', Params: { Image: sampleImage, Entrypoint: ['echo', 'hello'] } } },
      ],
    },
  });
  say(`\nShoal is up at ${url} (Ctrl-C ends it). Try next:\n`);
  // The file, not the value: what is on a console is soon in a log.
  const curl = secrets === undefined ? 'curl' : `curl -H "Authorization: Bearer $(cat '${secrets.adminFile}')"`;
  say(`  ${curl} -X PUT -H 'Content-Type: application/json' -d '${job}' ${url}/api/v1/orchestrator/jobs`);
  say(`  ${curl} '${url}/api/v1/orchestrator/jobs/my-first-job/executions?pretty'`);
  say(`  ${curl} '${url}/api/v1/orchestrator/nodes?pretty'`);
}
