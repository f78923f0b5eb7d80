/**
 * The process that holds miniflare. It is its own process so that Ctrl-C at the console does not reach workerd before
 * the launcher decides, and it ends, with workerd, when the launcher is gone.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { root } from '../config.ts';
import { logFile } from '../log-file.ts';
import { childrenOf, commandLineOf } from '../processes.ts';
import { UserError, messageOf } from '../../say.mjs';
import { checkDatabases } from './databases.ts';
import { applyMigrations, readMigrations } from './migrations.ts';
import type { HostMessage, WorkerOptions } from './worker.ts';

const restartDeadlineMs = 10_000;
const cronEveryMs = 5 * 60_000;
/** As in wrangler.toml; also where miniflare keeps the database. */
const databaseName = 'shoal';
const loopback = '127.0.0.1';
const maxPortTries = 3;

/**
 * miniflare listens on a port of its own, through which it drives workerd by a secret. To whoever knows the port it would
 * also serve the objects of every bucket, and the Worker under any address that a header names. Whatever it serves there
 * it first resolves against `upstream`; this one is no URL, so it fails, and only what the secret proves goes on.
 */
const closedEntry = { upstream: 'closed', logRequests: false, cf: false };

function tell(message: HostMessage) {
  if (process.connected) process.send?.(message);
}

/** Ends this process once the launcher has heard why. */
function fail(code: string, message: string) {
  process.exitCode = 1;
  const exit = () => process.exit(1);
  if (process.connected) process.send?.({ type: 'failed', code, message }, exit);
  else exit();
}

/** Compatibility date and flags have one source: wrangler.toml. */
export function compatibility() {
  const toml = readFileSync(join(root, 'wrangler.toml'), 'utf8');
  const date = /^compatibility_date\s*=\s*"([^"]+)"/m.exec(toml)?.[1];
  const flags = /^compatibility_flags\s*=\s*\[([^\]]*)\]/m.exec(toml)?.[1] ?? '';
  if (date === undefined) throw new Error('wrangler.toml has no compatibility_date');
  return {
    compatibilityDate: date,
    compatibilityFlags: [...flags.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? ''),
  };
}

/** Everything miniflare itself says goes to the log; a crash must be followed by a restart or end the host. */
class HostLog extends Log {
  #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    super(LogLevel.WARN);
    this.#write = write;
  }

  override log(message: string) {
    this.#write(`${JSON.stringify({ ts: new Date().toISOString(), level: 'warn', event: 'miniflare', message })}\n`);
  }

  override warn(message: string) {
    super.warn(message);
    if (!message.includes('crashed')) return;
    tell({ type: 'died' });
    restartTimer ??= setTimeout(() => process.exit(1), restartDeadlineMs);
  }
}

let restartTimer: NodeJS.Timeout | undefined;
let running: Miniflare | undefined;

function workerdPid() {
  return childrenOf(process.pid).find((pid) => process.platform !== 'linux' || commandLineOf(pid).includes('workerd'));
}

function tellReady() {
  clearTimeout(restartTimer);
  restartTimer = undefined;
  tell({ type: 'ready', workerdPid: workerdPid() });
}

/** Runs before the Scheduler exists: an overdue alarm fires at start, without any request, and needs its tables. */
async function migrate(options: WorkerOptions, write: (text: string) => void) {
  const mf = new Miniflare(
    convertV4MiniflareOptions({
      name: 'migrations',
      modules: true,
      script: 'export default { fetch: () => new Response() };',
      ...compatibility(),
      d1Databases: { DB: databaseName },
      resourcePersistencePath: join(options.state, 'worker'),
      ...closedEntry,
      log: new HostLog(write),
    }),
  );
  try {
    const db = await mf.getD1Database('DB');
    const migrations = readMigrations(join(root, 'schema', 'db', 'migrations'));
    const { newer } = await applyMigrations(db, migrations);
    return newer;
  } finally {
    await mf.dispose();
  }
}

/** @param ownPort where the Worker connects to itself */
function serve(options: WorkerOptions, ownPort: number, write: (text: string) => void) {
  return new Miniflare(
    convertV4MiniflareOptions({
      name: 'shoal',
      modules: [{ type: 'ESModule', path: 'worker.js', contents: readFileSync(options.bundle, 'utf8') }],
      ...compatibility(),
      d1Databases: { DB: databaseName },
      durableObjects: {
        SCHEDULER: { className: 'Scheduler', useSQLite: true },
        LOGS: { className: 'LogStream', useSQLite: true },
      },
      r2Buckets: { BLOBS: databaseName },
      connectHandlers: [{ protocol: 'tcp', address: loopback, port: ownPort }],
      serviceBindings: { LOG_SOCKETS: { external: { address: `${loopback}:${ownPort}`, http: {} } } },
      bindings: { ...options.vars },
      resourcePersistencePath: join(options.state, 'worker'),
      ...closedEntry,
      unsafeDirectSockets: [{ host: options.host ?? loopback, port: options.port }],
      ...(options.inspectorPort !== undefined && { inspectorPort: options.inspectorPort }),
      log: new HostLog(write),
      handleStructuredLogs: ({ message }) => write(`${message}\n`),
      unsafeHandleRuntimeRestart: tellReady,
    }),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, loopback);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function serveOnFreePort(options: WorkerOptions, write: (text: string) => void) {
  for (let tries = 1; ; tries++) {
    running = serve(options, await freePort(), write);
    try {
      await running.ready;
      return running;
    } catch (error) {
      // Somebody may have taken it in between. The API's own port was looked at before.
      if (tries === maxPortTries || codeOf(error) !== 'ERR_ADDRESS_IN_USE') throw error;
      await running.dispose().catch(() => {});
    }
  }
}

/** workerd does not fire cron triggers by itself. */
async function fireCron(mf: Miniflare, write: (text: string) => void) {
  try {
    const worker = await mf.getWorker();
    await worker.scheduled({ cron: '*/5 * * * *', scheduledTime: new Date() });
  } catch (error) {
    const line = { ts: new Date().toISOString(), level: 'error', event: 'cron', error: messageOf(error) };
    write(`${JSON.stringify(line)}\n`);
  }
}

async function start(options: WorkerOptions) {
  const write = logFile(join(options.state, 'logs', 'workerd.log'));
  try {
    checkDatabases(join(options.state, 'worker'));
    const newer = options.migrated ? [] : await migrate(options, write);
    if (newer.length > 0) {
      fail('NEWER', newer.join(', '));
      return;
    }
    const served = await serveOnFreePort(options, write);
    setInterval(() => void fireCron(served, write), cronEveryMs);
    tellReady();
  } catch (error) {
    fail(codeOf(error), messageOf(error));
  }
}

function codeOf(error: unknown) {
  if (error instanceof UserError) return 'USER';
  return error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
}

async function stop() {
  await running?.dispose();
  process.exit(0);
}

process.on('message', (message) => {
  if (message === 'stop') void stop();
  else void start(message as WorkerOptions);
});
process.on('disconnect', () => void stop());
