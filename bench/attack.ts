import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '../test/harness/free-port.ts';
import { attacks } from './attacks/attacks.ts';
import type { Attack } from './attacks/attack.ts';
import { loadLauncher } from './trees/launcher.ts';

const HELP = `Attacks an installation of its own on loopback, each with four attackers at once, while somebody asks every 100 ms
whether it lives and somebody else submits jobs. Prints how both fared, and fails when alive took over a second.

  npm run bench:attack -- [part of a name] [--seconds 5] [--tree DIR]     DIR: another checkout that is attacked instead
`;

const ATTACKERS = 4;
/** Of one attacker. */
const MOST_BLOWS = 20_000;
const EVERY_MS = 100;
const ALIVE_WITHIN_MS = 1_000;
/** What did not answer by then counts as this long. */
const GIVE_UP_MS = 60_000;
const ADMIN_TOKEN = 'admin-of-this-bench';
const JOBS = '/api/v1/orchestrator/jobs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    tree: { type: 'string', default: '.' },
    help: { type: 'boolean' },
  },
});

interface Probe {
  /** Of each answer, ms, ascending. */
  readonly times: readonly number[];
  /** Answers other than 200. */
  readonly failed: number;
}

interface Result {
  readonly alive: Probe;
  readonly submit: Probe;
  readonly answers: Readonly<Record<string, number>>;
}

async function main(): Promise<void> {
  const wanted = attacks.filter(({ name }) => name.includes(positionals[0] ?? ''));
  if (wanted.length === 0)
    throw new Error(`no attack is called so; there are: ${attacks.map(({ name }) => name).join(', ')}`);
  let held = true;
  console.log(`${ATTACKERS} attackers for ${options.seconds} s each; alive within ${ALIVE_WITHIN_MS} ms is held\n`);
  console.log(row(['attack', 'alive p50', 'p99', 'max', 'failed', 'submit p50', 'p99', 'failed', 'held', 'answers']));
  for (const mode of ['open', 'closed'] as const) {
    const ofMode = wanted.filter((attack) => attack.mode === mode);
    if (ofMode.length === 0) continue;
    await withInstallation(mode, async (port) => {
      for (const attack of ofMode) held = show(attack, await measure(attack, port)) && held;
    });
  }
  process.exitCode = held ? 0 : 1;
}

/** An installation of the tree, with its own launcher. */
async function withInstallation(mode: Attack['mode'], use: (port: number) => Promise<void>): Promise<void> {
  const { openState, buildWorker, workerBundle: bundle, startWorker } = await loadLauncher(resolve(options.tree));
  const state = mkdtempSync(join(tmpdir(), 'shoal-attack-'));
  await buildWorker();
  openState(state);
  mkdirSync(join(state, 'logs'), { recursive: true });
  const port = await freePort();
  const closing = mode === 'closed' ? { SHOAL_AUTH: 'required', SHOAL_ADMIN_TOKEN: ADMIN_TOKEN } : {};
  const vars = { SHOAL_MODE: 'open', ...closing };
  const worker = await startWorker({ state, bundle, port, vars, migrated: false }, () => {});
  try {
    if (mode === 'closed') await makeUser(port);
    await use(port);
  } finally {
    await worker.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

/** The user whose password is guessed. */
async function makeUser(port: number): Promise<void> {
  const user = { Type: 'user', Username: 'ana', Password: 'correct horse', Capabilities: ['read:job'] };
  const { status } = await ask(port, 'POST', '/api/v1/shoal/tokens', JSON.stringify(user));
  if (status !== 200) throw new Error(`the user was not made: ${status}`);
}

async function measure(attack: Attack, port: number): Promise<Result> {
  const stop = new AbortController();
  const alive = probe(stop.signal, () => ask(port, 'GET', '/api/v1/agent/alive'));
  const submit = probe(stop.signal, () => ask(port, 'PUT', JOBS, ordinaryJob));
  const all = await Promise.all(Array.from({ length: ATTACKERS }, (_, i) => runAttacker(attack, port, i)));
  stop.abort();
  const answers: Record<string, number> = {};
  for (const one of all)
    for (const [answer, times] of Object.entries(one)) answers[answer] = (answers[answer] ?? 0) + times;
  return { alive: await alive, submit: await submit, answers };
}

function runAttacker(attack: Attack, port: number, number: number): Promise<Record<string, number>> {
  const script = fileURLToPath(new URL('./attacks/attacker.ts', import.meta.url));
  const args = [script, attack.name, String(port), String(number), options.seconds, String(MOST_BLOWS)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  // One that waits for its last answer longer than anybody would is ended.
  const late = setTimeout(() => child.kill('SIGKILL'), Number(options.seconds) * 1000 + GIVE_UP_MS);
  return new Promise((done) => {
    child.on('exit', () => {
      clearTimeout(late);
      done(said === '' ? { 'never answered': 1 } : (JSON.parse(said) as Record<string, number>));
    });
  });
}

/** Asks every 100 ms, whether or not the last question was answered. */
async function probe(stop: AbortSignal, once: () => Promise<{ status: number; ms: number }>): Promise<Probe> {
  const asked: Promise<{ status: number; ms: number }>[] = [];
  while (!stop.aborted) {
    asked.push(once());
    await sleep(EVERY_MS);
  }
  const answers = await Promise.all(asked);
  return {
    times: answers.map(({ ms }) => ms).sort((a, b) => a - b),
    failed: answers.filter(({ status }) => status !== 200).length,
  };
}

const agent = new Agent({ keepAlive: true });

/** As the installation's owner; without an answer the status is 0. */
function ask(port: number, method: string, path: string, body?: string): Promise<{ status: number; ms: number }> {
  const at = performance.now();
  return new Promise((done) => {
    const end = (status: number) => done({ status, ms: performance.now() - at });
    const headers = {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const req = request({ host: '127.0.0.1', port, method, path, agent, headers, timeout: GIVE_UP_MS }, (res) => {
      res.on('end', () => end(res.statusCode ?? 0));
      res.on('error', () => end(0));
      res.resume();
    });
    req.on('timeout', () => req.destroy(new Error('late')));
    req.on('error', () => end(0));
    req.end(body);
  });
}

const ordinaryJob = JSON.stringify({
  Job: {
    Type: 'batch',
    Count: 1,
    Tasks: [{ Name: 'main', Engine: { Type: 'docker', Params: { Image: 'none' } }, Resources: { CPU: '0.1' } }],
  },
});

function show({ name }: Attack, { alive, submit, answers }: Result): boolean {
  const held = alive.failed === 0 && (alive.times.at(-1) ?? Infinity) <= ALIVE_WITHIN_MS;
  const told = Object.entries(answers).map(([answer, times]) => `${times} x ${answer}`);
  const [middle, late] = [(probe: Probe) => at(probe, 0.5), (probe: Probe) => at(probe, 0.99)];
  const ofAlive = [middle(alive), late(alive), at(alive, 1), String(alive.failed)];
  const ofSubmit = [middle(submit), late(submit), String(submit.failed)];
  console.log(row([name, ...ofAlive, ...ofSubmit, held ? 'yes' : 'NO', told.join(', ')]));
  return held;
}

function at({ times }: Probe, share: number): string {
  return (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN).toFixed(0);
}

function row([name = '', ...rest]: readonly string[]): string {
  const answers = rest.pop() ?? '';
  return `${name.padEnd(38)}${rest.map((text) => text.padStart(11)).join('')}  ${answers}`;
}

if (options.help === true) process.stdout.write(HELP);
else await main();
process.exit();
