import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readRecords } from '../../cli/src/up/state.ts';
import { Api } from './api.ts';
import { eventually } from './stack.ts';

export interface LaunchOptions {
  /** A clone; its `npm start` is what runs. */
  readonly cwd: string;
  readonly state: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly args?: readonly string[];
  /** What runs npm, and its arguments; default nothing. */
  readonly within?: readonly string[];
}

/** A real `npm start`, in a process group of its own as a terminal would give it. */
export class Launched {
  readonly api: Api;
  readonly state: string;
  readonly #child: ChildProcess;
  #output = '';

  constructor({ cwd, state, port, env = {}, args = [], within = [] }: LaunchOptions) {
    this.state = state;
    this.api = new Api(`http://127.0.0.1:${port}`);
    const [program = '', ...more] = [...within, 'npm', 'start', '--', ...args];
    this.#child = spawn(program, more, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...plainEnvironment(), SHOAL_PORT: String(port), SHOAL_STATE: state, ...env },
    });
    this.#child.stdout?.on('data', (text) => (this.#output += String(text)));
    this.#child.stderr?.on('data', (text) => (this.#output += String(text)));
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async printed(text: string, withinMs: number): Promise<void> {
    const seen = async () => {
      if (this.#output.includes(text)) return true;
      if (this.#ended) throw new Error(`npm start ended without saying ${JSON.stringify(text)}:\n${this.#output}`);
      return undefined;
    };
    await eventually(seen, withinMs, `npm start says ${JSON.stringify(text)}`).catch((error: unknown) => {
      throw new Error(this.#output, { cause: error });
    });
  }

  /** kill -9 of something it started: workerd, worker-host, agent-1, dockerd. */
  kill(name: string): void {
    const record = readRecords(this.state)[name];
    if (record === undefined) throw new Error(`${name} does not run`);
    process.kill(record.pid, 'SIGKILL');
  }

  /** Ctrl-C at its terminal: the whole group gets the signal. Returns when npm has ended. */
  async interrupt(): Promise<void> {
    if (this.#ended) return;
    const exit = this.ended();
    process.kill(-this.pid, 'SIGINT');
    await exit;
  }

  /** Resolves with npm's exit code, null when a signal ended it, once it has ended. */
  async ended(): Promise<number | null> {
    if (!this.#ended) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }
}

/** As a person's shell has it: no npm around, the system's own Node. */
export function plainEnvironment(): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:npm_|VITEST|NODE_|SHOAL_)/.test(name));
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(inherited), PATH: path.join(':') };
}
