/**
 * First stage of every command: plain Node 20, nothing installed. It installs what is missing and goes on in `main.ts`
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
 * @returns {Promise<number>} exit code
 */
function continueInOwnNode(args) {
  if (!existsSync(ownNode)) throw new UserError(`${ownNode} is missing: were install scripts refused? Try npm ci`);
  const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}` };
  const main = join(root, 'scripts', 'main.ts');
  const child = spawn(ownNode, [main, ...args], { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  handOn = (signal) => child.kill(signal);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

/** @param {readonly string[]} args */
async function run(args) {
  if (process.platform === 'win32') throw new UserError('Windows is not supported; run Shoal in WSL');
  for (const signal of signals) process.on(signal, stop);
  // Started by hand it may be meant to outlive its shell; what npm started ends with npm.
  if (process.env['npm_lifecycle_event'] !== undefined) watchParent(() => stop('SIGTERM'));
  if (args[0] === 'clean') {
    return clean(root, async () => {
      if (!existsSync(ownNode)) await ensureInstalled(root, stopping.signal);
      return continueInOwnNode(args);
    });
  }
  await ensureInstalled(root, stopping.signal);
  return continueInOwnNode(args);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(
    `${error instanceof UserError ? messageOf(error) : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = 1;
}
