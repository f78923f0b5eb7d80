/**
 * First stage of every command: plain Node 20, nothing installed. It installs what is missing and gives way to `main.ts`
 * under the project's own Node.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError, messageOf } from '../cli/src/say.mjs';
import { clean } from './clean.mjs';
import { ensureInstalled } from './install.mjs';
import { watchParent } from './parent.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const ownNode = join(root, 'node_modules', 'node', 'bin', 'node');
const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
/** Started by hand it may be meant to outlive its shell; what npm started ends with npm. */
const parent = process.env['npm_lifecycle_event'] === undefined ? undefined : process.ppid;
const stopping = new AbortController();
/** @type {(signal: NodeJS.Signals) => void} */
let handOn = () => {};

/** @param {NodeJS.Signals} signal */
function stop(signal) {
  stopping.abort();
  handOn(signal);
}

/**
 * @param {readonly string[]} args
 * @param {number | undefined} parent with whose end the second stage ends
 */
function secondStage(args, parent) {
  if (!existsSync(ownNode)) throw new UserError(`${ownNode} is missing: were install scripts refused? Try npm ci`);
  return {
    args: [join(root, 'scripts', 'main.ts'), ...(parent === undefined ? [] : [`--parent=${parent}`]), ...args],
    env: {
      // Else each process strips the types of the same files again, and keeps what does so in memory for as long as it lives.
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node'),
      ...process.env,
      PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`,
    },
  };
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
function runSecondStage(args) {
  const stage = secondStage(args, process.pid);
  const child = spawn(ownNode, stage.args, { env: stage.env, stdio: 'inherit' });
  handOn = (signal) => child.kill(signal);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

/**
 * Becomes the second stage, so that no process is left that only waits for another. Older Node cannot: there it is a child.
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
async function becomeSecondStage(args) {
  if (typeof process.execve !== 'function') return runSecondStage(args);
  const stage = secondStage(args, parent);
  return process.execve(ownNode, [ownNode, ...stage.args], stage.env);
}

/** @param {readonly string[]} args */
async function run(args) {
  if (process.platform === 'win32') throw new UserError('Windows is not supported; run Shoal in WSL');
  for (const signal of signals) process.on(signal, stop);
  if (parent !== undefined) watchParent(parent, () => stop('SIGTERM'));
  if (args[0] === 'clean') {
    return clean(root, async () => {
      if (!existsSync(ownNode)) await ensureInstalled(root, stopping.signal);
      return runSecondStage(args);
    });
  }
  await ensureInstalled(root, stopping.signal);
  return becomeSecondStage(args);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(
    `${error instanceof UserError ? messageOf(error) : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = 1;
}
