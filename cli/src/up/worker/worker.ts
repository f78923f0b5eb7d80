import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, closeSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rotate, lastLines } from '../log-file.ts';
import { endProcess, processesWithin, recordOf, signalTo } from '../processes.ts';
import { UserError } from '../../say.mjs';
import { keepRecord, readRecords } from '../state.ts';

export interface WorkerOptions {
  readonly state: string;
  readonly bundle: string;
  readonly port: number;
  /** Where it listens; default 127.0.0.1. */
  readonly host?: string;
  /** Bindings such as SHOAL_MODE. */
  readonly vars: Readonly<Record<string, string>>;
  /** Whether an earlier start of the same launcher has applied the migrations. */
  readonly migrated: boolean;
  /** For a bench that looks into the Worker. */
  readonly inspectorPort?: number;
}

/** What the host says. */
export type HostMessage =
  | { type: 'ready'; workerdPid: number | undefined }
  | { type: 'died' }
  | { type: 'failed'; code: string; message: string };

export interface RunningWorker {
  readonly host: ChildProcess;
  readonly workerdPid: () => number | undefined;
  readonly stop: () => Promise<void>;
  /** Ends it at once. */
  readonly kill: () => void;
}

const startDeadlineMs = 60_000;

export async function assertPortFree(port: number, host: string) {
  const server = createServer();
  try {
    await new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, exclusive: true }, () => resolve(undefined));
    });
  } catch (error) {
    throw portError(port, error);
  }
  await new Promise((resolve) => server.close(resolve));
}

function portError(port: number, error: unknown) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new UserError('SHOAL_HOST is no address of this machine; 0.0.0.0 means all of them');
  if (code === 'EACCES')
    return new UserError(`SHOAL_PORT=${port}: this user may not listen there; choose one from 1024 to 65535`);
  return new UserError(`port ${port} is taken by another program; stop it, or choose another port with SHOAL_PORT`);
}

function startError(options: WorkerOptions, code: string, message: string) {
  if (code === 'ERR_ADDRESS_IN_USE') return portError(options.port, code);
  if (code === 'USER') return new UserError(message);
  if (code !== 'NEWER') return new UserError(`the Worker did not start: ${message}`);
  return new UserError(
    `state folder ${options.state} was written by a newer Shoal (it has migrations ${message} that this one does not know); ` +
      'update this clone, or choose another folder with SHOAL_STATE',
  );
}

/** The temporary folder of a host and of the workerd that it starts, and of nobody else. */
const temporaryFolder = (state: string) => join(state, 'tmp', 'worker');

function spawnHost(options: WorkerOptions) {
  const log = join(options.state, 'logs', 'worker-host.log');
  const temporary = temporaryFolder(options.state);
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  rotate(log);
  const out = openSync(log, 'a');
  const host = fork(fileURLToPath(new URL('./host.ts', import.meta.url)), {
    detached: true,
    stdio: ['ignore', out, out, 'ipc'],
    env: { ...process.env, TMPDIR: temporary },
  });
  closeSync(out);
  return host;
}

/**
 * Runs the Worker and the Scheduler in workerd. What an earlier host left is ended first: it holds the port.
 * @param onDeath workerd died; miniflare brings it back by itself
 * @returns once it answers requests
 */
export async function startWorker(options: WorkerOptions, onDeath: () => void): Promise<RunningWorker> {
  await endLeftWorker(options.state);
  const host = spawnHost(options);
  keepRecord(options.state, 'worker-host', host.pid);
  let workerdPid: number | undefined;
  await new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      host.kill('SIGKILL');
      reject(new UserError(`the Worker did not start within ${startDeadlineMs / 1000} s`));
    }, startDeadlineMs);
    host.on('exit', () => {
      clearTimeout(late);
      const said = lastLines(join(options.state, 'logs', 'worker-host.log'), 5);
      reject(new UserError(`the Worker's process ended while starting\n${said}`));
    });
    host.on('message', (message: HostMessage) => {
      if (message.type === 'died') return onDeath();
      clearTimeout(late);
      if (message.type === 'failed') return reject(startError(options, message.code, message.message));
      workerdPid = message.workerdPid;
      keepRecord(options.state, 'workerd', workerdPid);
      return resolve(undefined);
    });
    host.send(options);
  });
  return {
    host,
    workerdPid: () => workerdPid,
    stop: () => stopHost(options.state, host),
    kill: () => killHost(options.state, host),
  };
}

async function stopHost(state: string, host: ChildProcess) {
  const record = host.pid === undefined ? undefined : recordOf(host.pid);
  if (host.connected) host.send('stop');
  if (record !== undefined) await endProcess(record, 5_000);
  await endLeftWorker(state);
}

function killHost(state: string, host: ChildProcess) {
  host.kill('SIGKILL');
  const { workerd } = readRecords(state);
  if (workerd !== undefined) signalTo(workerd, 'SIGKILL');
}

/** Ends what an earlier host left: also a workerd that it had started, but had not yet told of. */
export async function endLeftWorker(state: string) {
  const left = readRecords(state);
  for (const name of ['worker-host', 'workerd']) {
    const record = left[name];
    if (record === undefined) continue;
    await endProcess(record, 0);
    keepRecord(state, name, undefined);
  }
  const untold = processesWithin('TMPDIR', temporaryFolder(state)).flatMap((pid) => recordOf(pid) ?? []);
  await Promise.all(untold.map((record) => endProcess(record, 0)));
}
