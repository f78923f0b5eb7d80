import { setTimeout as sleep } from 'node:timers/promises';
import { sampleImage } from './docker/image.mjs';
import { say } from './say.mjs';

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

/**
 * @param {string} url
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
export async function callApi(url, path, init) {
  const response = await fetch(`${url}/api/v1${path}`, { ...init, signal: AbortSignal.timeout(15_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/**
 * Waits until as many agents are connected.
 * @param {string} url
 * @param {number} count
 * @param {number} withinMs
 * @returns {Promise<string[]>} the ids of those that are
 */
export async function connectedNodes(url, count, withinMs) {
  const until = Date.now() + withinMs;
  for (;;) {
    const { Nodes } = await callApi(url, '/orchestrator/nodes').catch(() => ({ Nodes: [] }));
    const connected = (Nodes ?? []).filter((/** @type {any} */ node) => isConnected(node));
    if (connected.length >= count || Date.now() > until) {
      return connected.map((/** @type {any} */ node) => String(node.Info?.NodeID));
    }
    await sleep(quickMs);
  }
}

/** @param {any} node */
function isConnected(node) {
  return node.Info?.NodeType === 'Compute' && node.Connection === 'CONNECTED';
}

/**
 * Submits the sample job and tells what becomes of it until it ended.
 * @param {string} url
 * @param {AbortSignal} signal
 * @param {() => void} onWaiting called when it is clear that it will not run at once
 */
export async function runSample(url, signal, onWaiting) {
  const { JobID } = await callApi(url, '/orchestrator/jobs', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ Job: sampleJob }),
  });
  say(`\nSample job ${JobID}`);
  if (!(await watchJob({ url, id: JobID, signal, onWaiting }))) return;
  const { Items } = await callApi(url, `/orchestrator/jobs/${JobID}/executions`);
  for (const execution of Items ?? []) {
    const output = execution.RunOutput ?? {};
    const text = `${output.Stdout ?? ''}${output.stderr ?? ''}`.trimEnd();
    if (text !== '') say(`  output: ${text}`);
  }
}

/**
 * @param {{ url: string, id: string, signal: AbortSignal, onWaiting: () => void }} job
 * @returns {Promise<boolean>} whether it ended
 */
async function watchJob({ url, id, signal, onWaiting }) {
  const begin = Date.now();
  let shown = { state: '', reason: '', since: begin };
  while (!signal.aborted) {
    const { Job } = await callApi(url, `/orchestrator/jobs/${id}`);
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

/** @param {string} url */
export function sayNextSteps(url) {
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
  say(`  curl -X PUT -H 'Content-Type: application/json' -d '${job}' ${url}/api/v1/orchestrator/jobs`);
  say(`  curl '${url}/api/v1/orchestrator/jobs/my-first-job/executions?pretty'`);
  say(`  curl '${url}/api/v1/orchestrator/nodes?pretty'`);
}
