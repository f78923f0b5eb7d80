import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExecutionId } from '@shoal/schema/ids';
import { makeFailure } from '@shoal/schema/protocol/common';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import {
  EngineError,
  type Container,
  type Ended,
  type Engine,
  type EngineHealth,
  type EngineOffers,
  type Examined,
  type Output,
  type Provisions,
} from '../engines/engine.ts';

interface ProcessTask extends Examined {
  readonly command: readonly string[];
}

const LOOK_MS = 20;
const SIGNALS = 128;

/**
 * An engine that is not the product's: a task is a process of this machine, which outlives the agent that started it. What
 * is known of one is in its folder, by which the next agent finds it.
 */
export class ProcessEngine implements Engine {
  readonly type = 'process';
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async probe(): Promise<EngineHealth> {
    mkdirSync(this.#folder, { recursive: true });
    return { ready: true, description: 'processes' };
  }

  offers(): EngineOffers {
    return { isolates: false, capabilities: [], mounts: false };
  }

  examine(run: RunSpec): ProcessTask {
    const { Command: command } = run.task.Engine.Params ?? {};
    const refusals =
      run.task.Network.Type === 'Host' ? [] : ["this node's processes have the machine's network: ask for Host"];
    if (Array.isArray(command) && command.every((word) => typeof word === 'string') && command.length > 0) {
      return { run, refusals, failure: null, command };
    }
    const message = 'invalid process engine param: Command: expected a list of words';
    return { run, refusals, failure: makeFailure('permanent', 'Preparing Environment', message), command: [] };
  }

  async create({ run, failure, command }: ProcessTask, { environment }: Provisions): Promise<Container> {
    if (failure !== null) throw new EngineError(failure);
    mkdirSync(this.#path(run.executionId), { recursive: true });
    writeFileSync(this.#path(run.executionId, 'task.json'), JSON.stringify({ command, environment }));
    return this.#view(run.executionId);
  }

  async find(executionId: ExecutionId): Promise<Container | null> {
    return existsSync(this.#path(executionId, 'task.json')) ? this.#view(executionId) : null;
  }

  async start(executionId: ExecutionId): Promise<void> {
    if (this.#view(executionId).state !== 'created') return;
    const { command, environment } = JSON.parse(readFileSync(this.#path(executionId, 'task.json'), 'utf8')) as {
      command: string[];
      environment: Record<string, string>;
    };
    const script = '"$@" >out 2>err; echo $? >exit.new; mv exit.new exit';
    const child = spawn('sh', ['-c', script, 'sh', ...command], {
      cwd: this.#path(executionId),
      env: { ...process.env, ...environment },
      detached: true,
      stdio: 'ignore',
    });
    child.unref();
    writeFileSync(this.#path(executionId, 'pid'), String(child.pid));
    // One line a real start: a task that is started twice would show.
    writeFileSync(join(this.#folder, 'starts.log'), `${executionId}\n`, { flag: 'a' });
  }

  async wait(executionId: ExecutionId): Promise<Ended> {
    while (this.#view(executionId).state !== 'ended') await sleep(LOOK_MS);
    const exitCode = this.#exitCode(executionId) ?? SIGNALS + 9;
    return { exitCode, outOfMemory: false, looksKilled: exitCode > SIGNALS };
  }

  async stop(executionId: ExecutionId, graceMs: number): Promise<void> {
    this.#signal(executionId, 'SIGTERM');
    for (let leftMs = graceMs; leftMs > 0 && this.#view(executionId).state === 'running'; leftMs -= LOOK_MS) {
      await sleep(LOOK_MS);
    }
    this.#signal(executionId, 'SIGKILL');
  }

  async kept(executionId: ExecutionId): Promise<Output> {
    const read = (name: string): Buffer =>
      existsSync(this.#path(executionId, name)) ? readFileSync(this.#path(executionId, name)) : Buffer.alloc(0);
    const [stdout, stderr] = [read('out'), read('err')];
    return (async function* () {
      yield [
        { stream: 'stdout', bytes: stdout },
        { stream: 'stderr', bytes: stderr },
      ] as const;
    })();
  }

  async remove(executionId: ExecutionId): Promise<void> {
    this.#signal(executionId, 'SIGKILL');
    rmSync(this.#path(executionId), { recursive: true, force: true });
  }

  async list(): Promise<Container[]> {
    const ids = readdirSync(this.#folder).flatMap((name) => ExecutionId.safeParse(name).data ?? []);
    return ids.map((id) => this.#view(id));
  }

  #path(executionId: ExecutionId, name = ''): string {
    return join(this.#folder, executionId, name);
  }

  #view(executionId: ExecutionId): Container {
    const pid = this.#path(executionId, 'pid');
    if (!existsSync(pid)) return { executionId, state: 'created', startedAt: null };
    const isOver = this.#exitCode(executionId) !== null || !this.#isAlive(executionId);
    return { executionId, state: isOver ? 'ended' : 'running', startedAt: statSync(pid).mtimeMs };
  }

  #exitCode(executionId: ExecutionId): number | null {
    const path = this.#path(executionId, 'exit');
    return existsSync(path) ? Number(readFileSync(path, 'utf8')) : null;
  }

  #isAlive(executionId: ExecutionId): boolean {
    return this.#signal(executionId, 0);
  }

  /** Whether there was a group of processes to hear it. */
  #signal(executionId: ExecutionId, signal: NodeJS.Signals | 0): boolean {
    const path = this.#path(executionId, 'pid');
    if (!existsSync(path)) return false;
    try {
      return process.kill(-Number(readFileSync(path, 'utf8')), signal);
    } catch {
      // ESRCH: it has ended.
      return false;
    }
  }
}
