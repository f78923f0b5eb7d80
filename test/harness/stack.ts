import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { agentLog, startAgent, stopAgent } from '../../cli/src/up/agent.ts';
import { openState, readRecords } from '../../cli/src/up/state.ts';
import { keepRunning } from '../../cli/src/up/supervise.ts';
import { workerBundle } from '../../cli/src/up/worker/bundle.ts';
import { startWorker, type RunningWorker } from '../../cli/src/up/worker/worker.ts';
import { Api } from './api.ts';

export interface StackOptions {
  /** Default 1. */
  readonly agents?: number;
  /** Bindings of the Worker; default open mode. */
  readonly vars?: Readonly<Record<string, string>>;
  /** False: agents that find no engine. */
  readonly docker?: boolean;
  readonly agentFlags?: readonly string[];
  /** Hears of the Worker's port before any agent starts. */
  readonly onPort?: (port: number) => void;
  /** Default a new one, removed at the end. */
  readonly state?: string;
}

/** The real stack on loopback, as `npm start` runs it: workerd, D1 on disk, agents as processes. */
export class Stack {
  readonly state: string;
  readonly port: number;
  readonly api: Api;
  readonly #options: StackOptions;
  #worker: RunningWorker | undefined;
  #watches: { stop: () => Promise<void> }[] = [];

  private constructor(options: StackOptions, state: string, port: number) {
    this.#options = options;
    this.state = state;
    this.port = port;
    this.api = new Api(`http://127.0.0.1:${port}`);
  }

  static async start(options: StackOptions = {}): Promise<Stack> {
    const state = options.state ?? mkdtempSync(join(tmpdir(), 'stack-'));
    openState(state);
    mkdirSync(join(state, 'logs'), { recursive: true });
    const stack = new Stack(options, state, await freePort());
    options.onPort?.(stack.port);
    try {
      await stack.#run();
    } catch (error) {
      await stack.stop();
      throw error;
    }
    return stack;
  }

  async #run(): Promise<void> {
    const { agents = 1, vars = { SHOAL_MODE: 'open' } } = this.#options;
    const worker = { state: this.state, bundle: workerBundle, port: this.port, vars, migrated: false };
    this.#worker = await startWorker(worker, () => {});
    await Promise.all(Array.from({ length: agents }, (_, index) => this.startAgent(index + 1)));
    if (agents > 0) await this.api.connectedNodes(agents);
  }

  /** An agent that is brought back when it dies. */
  async startAgent(number: number): Promise<void> {
    const options = {
      state: this.state,
      number,
      url: this.api.url,
      dockerHost: this.#options.docker === false ? undefined : dockerHost(),
      flags: [...(this.#options.agentFlags ?? [])],
    };
    const watch = keepRunning({ start: () => startAgent(options), onDeath: () => {} });
    this.#watches.push(watch);
    await watch.ready;
  }

  #kill(name: string): void {
    const record = readRecords(this.state)[name];
    if (record === undefined) throw new Error(`${name} does not run`);
    process.kill(record.pid, 'SIGKILL');
  }

  /** miniflare brings it back. */
  killWorkerd(): void {
    this.#kill('workerd');
  }

  killAgent(number: number): void {
    this.#kill(`agent-${number}`);
  }

  workerLog(): string {
    return readFileSync(join(this.state, 'logs', 'workerd.log'), 'utf8');
  }

  /** Whether the agent keeps no log of any task. */
  isAgentClean(number: number): boolean {
    const folder = join(this.state, 'agents', String(number));
    const logs = readdirSync(folder).filter((name) => name.startsWith('logs-'));
    return logs.every((name) => readdirSync(join(folder, name)).length === 0);
  }

  agentLog(number: number): string {
    return readFileSync(agentLog(this.state, number), 'utf8');
  }

  /** Ends every process; the state stays. */
  async halt(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.stop()));
    this.#watches = [];
    const names = Object.keys(readRecords(this.state)).filter((name) => name.startsWith('agent-'));
    await Promise.all(names.map((name) => stopAgent(this.state, Number(name.slice('agent-'.length)))));
    await this.#worker?.stop();
    this.#worker = undefined;
  }

  async stop(): Promise<void> {
    await this.halt();
    if (this.#options.state === undefined) rmSync(this.state, { recursive: true, force: true });
  }
}

/** The engine that the test set-up found or brought up. */
export function dockerHost(): string {
  const host = process.env['DOCKER_HOST'];
  if (host === undefined) throw new Error('DOCKER_HOST is not set: run the tests with npm test');
  return host;
}

/** Asks until the answer is there. */
export async function eventually<T>(ask: () => Promise<T | undefined>, withinMs: number, what: string): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > until) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
    await sleep(100);
  }
}
