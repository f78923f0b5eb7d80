import type { Readable } from 'node:stream';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { logFile } from './log-file.ts';
import { endProcess, recordOf } from './processes.ts';
import { keepRecord, readRecords } from './state.ts';
import { agentBundle } from './worker/bundle.ts';

export interface AgentOptions {
  /** The launcher's state folder. */
  readonly state: string;
  /** From 1. */
  readonly number: number;
  readonly url: string;
  /** Undefined: without Docker. */
  readonly dockerHost: string | undefined;
  readonly flags: readonly string[];
  /** What a closed orchestrator asks for. */
  readonly nodeToken?: string | undefined;
  /** Called whenever the orchestrator welcomes it. */
  readonly onConnected?: () => void;
}

/** The agent stops its tasks, then itself, within 10 s. */
const stopGraceMs = 15_000;

/** A line of the agent's log. */
const welcomed = '"event":"session.welcomed"';

function whenSaid(stream: Readable, text: string, onSaid: () => void) {
  let last = '';
  stream.on('data', (chunk) => {
    last += String(chunk);
    if (last.includes(text)) onSaid();
    last = last.slice(last.lastIndexOf('\n') + 1);
  });
}

const nameOf = (number: number) => `agent-${number}`;

export function agentLog(state: string, number: number) {
  return join(state, 'logs', `${nameOf(number)}.log`);
}

/** Starts the agent's bundle, what users get, in a process of its own. */
export async function startAgent(options: AgentOptions): Promise<ChildProcess> {
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

/** Ends an agent and with it its tasks. */
export async function stopAgent(state: string, number: number) {
  const record = readRecords(state)[nameOf(number)];
  if (record !== undefined) await endProcess(record, stopGraceMs);
  keepRecord(state, nameOf(number), undefined);
}

/** An agent that outlived its launcher is killed, not stopped: its tasks run on and the next agent adopts them. */
async function endLeftAgent(state: string, name: string) {
  const record = readRecords(state)[name];
  if (record === undefined || recordOf(record.pid)?.started !== record.started) return;
  await endProcess(record, 0);
  keepRecord(state, name, undefined);
}

export async function endLeftAgents(state: string) {
  const names = Object.keys(readRecords(state)).filter((name) => name.startsWith('agent-'));
  for (const name of names) await endLeftAgent(state, name);
}
