import type { ExecutionId } from '@shoal/schema/ids';
import type { Engine, OutputChunk } from '../engines/engine.ts';
import { HeadReader, type Heads } from './heads.ts';
import type { LogRecorder, Recording } from './recorder.ts';

/** So far into what the engine has kept its heads are looked for, bytes. */
const SEARCH_BYTES = 4 * 1024 * 1024;

/** For agents that keep no logs: takes the heads of what the engine has kept, once the container has ended. */
export const headRecorder: LogRecorder = {
  record: async (engine, { executionId }): Promise<Recording> => {
    let heads: Heads = new HeadReader().heads();
    return {
      finish: async () => {
        const reader = new HeadReader();
        let bytes = 0;
        for await (const output of keptOf(engine, executionId)) {
          for (const chunk of output) {
            reader.push(chunk);
            bytes += chunk.bytes.length;
          }
          if (bytes > SEARCH_BYTES) break;
        }
        heads = reader.heads();
      },
      heads: () => heads,
      output: () => keptOf(engine, executionId),
      wasInterrupted: false,
    };
  },
};

async function* keptOf(engine: Engine, executionId: ExecutionId): AsyncGenerator<readonly OutputChunk[]> {
  yield* (await engine.kept?.(executionId)) ?? [];
}
