import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Input } from '../inputs/input.ts';
import type { Publisher } from '../publishers/publisher.ts';

/** A source that is not the product's: its one file says what it was asked for. */
export const wordInput: Input = {
  type: 'word',
  examine: () => null,
  fetch: async ({ params, folder }) => {
    const path = join(folder, 'word');
    const word = String(params['Word']);
    await writeFile(path, word);
    return { path, bytes: Buffer.byteLength(word) };
  },
};

/** A publisher that is not the product's: results leave for this list. */
export class ListPublisher implements Publisher {
  readonly type = 'list';
  readonly collects = true;
  readonly published: { readonly executionId: string; readonly stdout: string; readonly exitCode: string }[] = [];

  examine(): null {
    return null;
  }

  async publish({ run, folder }: Parameters<Publisher['publish']>[0]): Promise<void> {
    const read = (name: string): Promise<string> => readFile(join(folder ?? '', name), 'utf8');
    const [stdout, exitCode] = [await read('stdout'), await read('exitCode')];
    this.published.push({ executionId: run.executionId, stdout, exitCode });
  }
}
