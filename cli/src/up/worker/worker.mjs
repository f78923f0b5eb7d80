import { fork } from 'node:child_process';
import { mkdirSync, openSync, closeSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rotate, lastLines } from '../log-file.mjs';
import { endProcess, processesWithin, recordOf, signalTo } from '../processes.mjs';
import { UserError } from '../../say.mjs';
import { keepRecord, readRecords } from '../state.mjs';

/**
 * @typedef {object} WorkerOptions
 * @property {string} state
 * @property {string} bundle
 * @property {number} port
 * @property {string} [host] where it listens; default 127.0.0.1
 * @property {Readonly<Record<string, string>>} vars bindings such as SHOAL_MODE
 * @property {boolean} migrated by an earlier start of the same launcher
 * @property {number} [inspectorPort] for a bench that looks into the Worker
 */

/**
 * What the host says.
 * @typedef {{ type: 'ready', workerdPid: number | undefined } | { type: 'died' }
 *   | { type: 'failed', code: string, message: string }} HostMessage
 */

/**
 * @typedef {object} RunningWorker
 * @property {import('node:child_process').ChildProcess} host
 * @property {() => number | undefined} workerdPid
 * @property {() => Promise<void>} stop
 * @property {() => void} kill at once
 */

const startDeadlineMs = 60_000;

/**
 * @param {number} port
 * @param {string} host
 */
export async function assertPortFree(port, host) {
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

/**
 * @param {number} port
 * @param {unknown} error
 */
function portError(port, error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new UserError('SHOAL_HOST is no address of this machine; 0.0.0.0 means all of them');
  if (code === 'EACCES')
    return new UserError(`SHOAL_PORT=${port}: this user may not listen there; choose one from 1024 to 65535`);
  return new UserError(`port ${port} is taken by another program; stop it, or choose another port with SHOAL_PORT`);
}

/**
 * @param {WorkerOptions} options
 * @param {string} code
 * @param {string} message
 */
function startError(options, code, message) {
  if (code === 'ERR_ADDRESS_IN_USE') return portError(options.port, code);
  if (code === 'USER') return new UserError(message);
  if (code !== 'NEWER') return new UserError(`the Worker did not start: ${message}`);
  return new UserError(
    `state folder ${options.state} was written by a newer Shoal (it has migrations ${message} that this one does not know); ` +
      'update this clone, or choose another folder with SHOAL_STATE',
  );
}

/**
 * The temporary folder of a host and of the workerd that it starts, and of nobody else.
 * @param {string} state
 */
const temporaryFolder = (state) => join(state, 'tmp', 'worker');

/** @param {WorkerOptions} options */
function spawnHost(options) {
  const log = join(options.state, 'logs', 'worker-host.log');
  const temporary = temporaryFolder(options.state);
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  rotate(log);
  const out = openSync(log, 'a');
  const host = fork(fileURLToPath(new URL('./host.mjs', import.meta.url)), {
    detached: true,
    stdio: ['ignore', out, out, 'ipc'],
    env: { ...process.env, TMPDIR: temporary },
  });
  closeSync(out);
  return host;
}

/**
 * Runs the Worker and the Scheduler in workerd. What an earlier host left is ended first: it holds the port.
 * @param {WorkerOptions} options
 * @param {() => void} onDeath workerd died; miniflare brings it back by itself
 * @returns {Promise<RunningWorker>} once it answers requests
 */
export async function startWorker(options, onDeath) {
  await endLeftWorker(options.state);
  const host = spawnHost(options);
  keepRecord(options.state, 'worker-host', host.pid);
  /** @type {number | undefined} */
  let workerdPid;
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
    host.on('message', (/** @type {HostMessage} */ message) => {
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

/**
 * @param {string} state
 * @param {import('node:child_process').ChildProcess} host
 */
async function stopHost(state, host) {
  const record = host.pid === undefined ? undefined : recordOf(host.pid);
  if (host.connected) host.send('stop');
  if (record !== undefined) await endProcess(record, 5_000);
  await endLeftWorker(state);
}

/**
 * @param {string} state
 * @param {import('node:child_process').ChildProcess} host
 */
function killHost(state, host) {
  host.kill('SIGKILL');
  const { workerd } = readRecords(state);
  if (workerd !== undefined) signalTo(workerd, 'SIGKILL');
}

/**
 * Ends what an earlier host left: also a workerd that it had started, but had not yet told of.
 * @param {string} state
 */
export async function endLeftWorker(state) {
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
