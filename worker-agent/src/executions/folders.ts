import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ExecutionId } from '@shoal/schema/ids';

/** What executions have on the disk beside their logs: a folder each, with inputs and results, until they have ended. */
export class WorkFolders {
  readonly #root: string;

  /** @param root absolute; not made before it is needed, and gone when nothing is in it */
  constructor(root: string) {
    this.#root = root;
  }

  /** A new, empty folder for one of an execution's inputs. What a former agent got of it is gone. */
  async input(executionId: ExecutionId, index: number): Promise<string> {
    return this.#fresh(join(this.#root, executionId, 'inputs', String(index)));
  }

  /** A new, empty folder for an execution's results. */
  async results(executionId: ExecutionId): Promise<string> {
    return this.#fresh(join(this.#root, executionId, 'results'));
  }

  /** Removes all that an execution has; one that has nothing is no error. */
  async remove(executionId: ExecutionId): Promise<void> {
    await rm(join(this.#root, executionId), { recursive: true, force: true });
    // It holds others' folders most times.
    await rmdir(this.#root).catch(() => {});
  }

  /** All executions that have something, whoever wants it. */
  async list(): Promise<ExecutionId[]> {
    const names = await readdir(this.#root).catch(() => []);
    return names.flatMap((name) => {
      const id = ExecutionId.safeParse(name);
      return id.success ? [id.data] : [];
    });
  }

  async #fresh(path: string): Promise<string> {
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true, mode: 0o755 });
    return path;
  }
}
