import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Unmet } from '../row.ts';

/** Functions that another process offers; arguments and answers are JSON. */
// oxlint-disable-next-line typescript/no-explicit-any -- each process states its own types
export type Handlers = Readonly<Record<string, (argument: any) => unknown>>;

type Argument<F> = F extends (argument: infer A) => unknown ? A : never;
type Result<F> = F extends (argument: never) => infer R ? Awaited<R> : never;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Answers the calls of the process that started this one, and ends with it. */
export function serve(handlers: Handlers): void {
  const answer = async ({ id, name, argument }: Call): Promise<Answer> => {
    try {
      return { id, result: await handlers[name]?.(argument) };
    } catch (error) {
      return { id, error: error instanceof Error ? error.message : String(error) };
    }
  };
  process.on('message', (call) => void answer(call as Call).then((reply) => process.send?.(reply)));
  process.on('disconnect', () => process.exit(0));
  // Ctrl-C at the console reaches the whole group; the bench ends its processes in order.
  process.on('SIGINT', () => {});
}

/** Another process of the bench, with functions that can be called. What they throw is about the installation: Unmet. */
export class Peer<H extends Handlers> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #calls = 0;

  /** @param file beside this one */
  constructor(file: string) {
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (answer) => this.#take(answer as Answer));
    this.#child.on('exit', (code, signal) => this.#fail(new Error(`${file} ended: ${signal ?? code}`)));
  }

  call<N extends keyof H & string>(name: N, argument: Argument<H[N]>): Promise<Result<H[N]>> {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#child.send({ id, name, argument } satisfies Call, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  close(): void {
    this.#waiting.clear();
    this.#child.removeAllListeners('exit');
    this.#child.kill('SIGKILL');
  }

  #take({ id, result, error }: Answer): void {
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Unmet(error));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
