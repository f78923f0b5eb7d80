import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import type { ExecutionId } from '@shoal/schema/ids';

const WITHIN_MS = 45_000;

/**
 * Waits until a task has printed a text. A task that runs has not necessarily come to anything yet: on a busy machine its
 * first line takes its time.
 * @param options.tail  looks at so many of its last lines alone: a long log takes long to read
 * @throws when it does not come, or the container is gone
 */
export async function printed(
  executionId: ExecutionId,
  text: string,
  { docker = new Docker(), tail }: { readonly docker?: Docker; readonly tail?: number } = {},
): Promise<void> {
  const container = docker.getContainer(executionId);
  for (const until = Date.now() + WITHIN_MS; ;) {
    const log = await container.logs({ stdout: true, stderr: true, ...(tail !== undefined && { tail }) });
    if (log.includes(text)) return;
    if (Date.now() > until) throw new Error(`${executionId} did not print ${JSON.stringify(text)}`);
    await sleep(50);
  }
}
