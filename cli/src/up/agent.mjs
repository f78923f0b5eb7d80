import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { logFile } from './log-file.mjs';
import { endProcess, recordOf } from './processes.mjs';
import { keepRecord, readRecords } from './state.mjs';
import { agentBundle } from './worker/bundle.mjs';

/**
 * @typedef {object} AgentOptions
 * @property {string} state the launcher's state folder
 * @property {number} number from 1
 * @property {string} url
 * @property {string | undefined} dockerHost undefined: without Docker
 * @property {readonly string[]} flags
 * @property {string | undefined} [nodeToken] what a closed orchestrator asks for
 * @property {() => void} [onConnected] called whenever the orchestrator welcomes it
 */

/** The agent stops its tasks, then itself, within 10 s. */
const stopGraceMs = 15_000;

/** A line of the agent's log. */
const welcomed = '"event":"session.welcomed"';

/**
 * @param {import('node:stream').Readable} stream
 * @param {string} text
 * @param {() => void} onSaid
 */
function whenSaid(stream, text, onSaid) {
  let last = '';
  stream.on('data', (chunk) => {
    last += String(chunk);
    if (last.includes(text)) onSaid();
    last = last.slice(last.lastIndexOf('\n') + 1);
  });
}

/** @param {number} number */
const nameOf = (number) => `agent-${number}`;

/**
 * @param {string} state
 * @param {number} number
 */
export function agentLog(state, number) {
  return join(state, 'logs', `${nameOf(number)}.log`);
}

/**
 * Starts the agent's bundle, what users get, in a process of its own.
 * @param {AgentOptions} options
 * @returns {Promise<import('node:child_process').ChildProcess>}
 */
export async function startAgent(options) {
  const { state, number, url, dockerHost, flags, nodeToken, onConnected = () => {} } = options;
  await endLeftAgent(state, nameOf(number));
  const folder = join(state, 'agents', String(number));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // The agent runs other people's containers: it gets no secret but its own.
  const { DOCKER_HOST: _, SHOAL_ADMIN_TOKEN: _admin, ...env } = process.env;
  const child = spawn(process.execPath, [agentBundle, '--state', folder, ...flags], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...env,
      SHOAL_URL: url,
      ...(nodeToken === undefined ? {} : { SHOAL_NODE_TOKEN: nodeToken }),
      // An address where nothing listens: without it the agent would look at the usual socket by itself.
      DOCKER_HOST: dockerHost ?? `unix://${join(folder, 'no-docker.sock')}`,
    },
  });
  const write = logFile(agentLog(state, number));
  child.stdout.on('data', write);
  child.stderr.on('data', write);
  for (const stream of [child.stdout, child.stderr]) whenSaid(stream, welcomed, onConnected);
  child.on('error', (error) => write(`${error.message}\n`));
  keepRecord(state, nameOf(number), child.pid);
  return child;
}

/**
 * Ends an agent and with it its tasks.
 * @param {string} state
 * @param {number} number
 */
export async function stopAgent(state, number) {
  const record = readRecords(state)[nameOf(number)];
  if (record !== undefined) await endProcess(record, stopGraceMs);
  keepRecord(state, nameOf(number), undefined);
}

/**
 * An agent that outlived its launcher is killed, not stopped: its tasks run on and the next agent adopts them.
 * @param {string} state
 * @param {string} name
 */
async function endLeftAgent(state, name) {
  const record = readRecords(state)[name];
  if (record === undefined || recordOf(record.pid)?.started !== record.started) return;
  await endProcess(record, 0);
  keepRecord(state, name, undefined);
}

/** @param {string} state */
export async function endLeftAgents(state) {
  const names = Object.keys(readRecords(state)).filter((name) => name.startsWith('agent-'));
  for (const name of names) await endLeftAgent(state, name);
}
