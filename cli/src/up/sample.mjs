import { setTimeout as sleep } from 'node:timers/promises';
import { sampleImage } from './docker/image.mjs';
import { say } from '../say.mjs';

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
 * How to reach the installation.
 * @typedef {object} Door
 * @property {string} url
 * @property {import('./secrets.mjs').Secrets | undefined} secrets undefined: it is open
 */

/**
 * @param {Door} door
 * @param {string} path
 * @param {{ method: string, body: string }} [init]
 * @returns {Promise<any>}
 */
async function callApi({ url, secrets }, path, init) {
  const headers = {
    ...(init === undefined ? {} : { 'content-type': 'application/json' }),
    ...(secrets === undefined ? {} : { authorization: `Bearer ${secrets.adminToken}` }),
  };
  const response = await fetch(`${url}/api/v1${path}`, { ...init, headers, signal: AbortSignal.timeout(15_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/**
 * Waits until as many agents are connected.
 * @param {Door} door
 * @param {number} count
 * @param {number} withinMs
 * @returns {Promise<string[]>} the ids of those that are
 */
export async function connectedNodes(door, count, withinMs) {
  const until = Date.now() + withinMs;
  for (;;) {
    const { Nodes } = await callApi(door, '/orchestrator/nodes').catch(() => ({ Nodes: [] }));
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
 * @param {Door} door
 * @param {AbortSignal} signal
 * @param {() => void} onWaiting called when it is clear that it will not run at once
 */
export async function runSample(door, signal, onWaiting) {
  const { JobID } = await callApi(door, '/orchestrator/jobs', {
    method: 'PUT',
    body: JSON.stringify({ Job: sampleJob }),
  });
  say(`\nSample job ${JobID}`);
  if (!(await watchJob({ door, id: JobID, signal, onWaiting }))) return;
  const { Items } = await callApi(door, `/orchestrator/jobs/${JobID}/executions`);
  for (const execution of Items ?? []) {
    const output = execution.RunOutput ?? {};
    const text = `${output.Stdout ?? ''}${output.stderr ?? ''}`.trimEnd();
    if (text !== '') say(`  output: ${text}`);
  }
}

/**
 * @param {{ door: Door, id: string, signal: AbortSignal, onWaiting: () => void }} job
 * @returns {Promise<boolean>} whether it ended
 */
async function watchJob({ door, id, signal, onWaiting }) {
  const begin = Date.now();
  let shown = { state: '', reason: '', since: begin };
  while (!signal.aborted) {
    const { Job } = await callApi(door, `/orchestrator/jobs/${id}`);
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

/** @param {Door} door */
export function sayNextSteps({ url, secrets }) {
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
