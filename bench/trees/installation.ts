import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningWorker } from '../../cli/src/up/worker/worker.ts';
import { freePort } from '../../test/harness/free-port.ts';
import { cpuMsOf } from '../machine/cpu.ts';
import { isEnding, onInterrupt } from '../machine/interrupt.ts';
import { Client } from '../processes/http.ts';
import { Unmet } from '../row.ts';
import type { Tree } from './tree.ts';

export interface InstallationOptions {
  /** Bindings of the Worker beside open mode. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Whether its inspector listens. */
  readonly isInspected?: boolean;
}

/** A Worker of a tree in real workerd on loopback, as `npm start` of that tree runs it, with a state folder of its own. */
export class Installation {
  readonly tree: Tree;
  readonly state: string;
  readonly url: string;
  readonly client: Client;
  readonly inspectorPort: number;
  readonly #port: number;
  readonly #options: InstallationOptions;
  readonly #agents = new Set<number>();
  readonly #isClosed: () => void;
  #worker: RunningWorker | undefined;

  private constructor(tree: Tree, state: string, ports: readonly [number, number], options: InstallationOptions) {
    this.tree = tree;
    this.state = state;
    this.#port = ports[0];
    this.inspectorPort = ports[1];
    this.#options = options;
    this.url = `http://127.0.0.1:${ports[0]}`;
    this.client = new Client(this.url, 8);
    this.#isClosed = onInterrupt(() => this.close());
  }

  static async start(tree: Tree, options: InstallationOptions = {}): Promise<Installation> {
    if (isEnding()) throw new Unmet('the bench is ending');
    const state = mkdtempSync(join(tmpdir(), 'shoal-bench-'));
    tree.launcher.openState(state);
    mkdirSync(join(state, 'logs'), { recursive: true });
    const installation = new Installation(tree, state, [await freePort(), await freePort()], options);
    try {
      await installation.startWorker(false);
      return installation;
    } catch (error) {
      await installation.close();
      throw error;
    }
  }

  async startWorker(migrated: boolean): Promise<void> {
    const { vars = {}, isInspected = false } = this.#options;
    const worker = {
      state: this.state,
      bundle: this.tree.launcher.workerBundle,
      port: this.#port,
      vars: { SHOAL_MODE: 'open', ...vars },
      migrated,
      ...(isInspected && { inspectorPort: this.inspectorPort }),
    };
    this.#worker = await this.tree.launcher.startWorker(worker, () => {});
  }

  async stopWorker(): Promise<void> {
    await this.#worker?.stop();
    this.#worker = undefined;
  }

  workerdPid(): number | undefined {
    return this.#worker?.workerdPid();
  }

  /** CPU that workerd has used, ms; NaN where the system does not tell. */
  cpuMs(): number {
    const pid = this.workerdPid();
    return pid === undefined ? Number.NaN : cpuMsOf(pid);
  }

  /** The tree's own agent, as a process. */
  async startAgent(number: number, dockerHost: string, flags: readonly string[] = []): Promise<ChildProcess> {
    this.#agents.add(number);
    return this.tree.launcher.startAgent({ state: this.state, number, url: this.url, dockerHost, flags });
  }

  agentPid(number: number): number | undefined {
    return this.tree.launcher.readRecords(this.state)[`agent-${number}`]?.pid;
  }

  /** Ends all its processes and removes its state; may be called again. */
  async close(): Promise<void> {
    this.client.close();
    await Promise.all([...this.#agents].map((number) => this.tree.launcher.stopAgent(this.state, number)));
    await this.stopWorker();
    rmSync(this.state, { recursive: true, force: true });
    this.#isClosed();
  }
}
