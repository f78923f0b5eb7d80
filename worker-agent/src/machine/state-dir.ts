import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeId } from '@shoal/schema/ids';
import { takeLock } from './lock.ts';

export interface StateDir {
  readonly nodeId: NodeId;
  readonly journalPath: string;
  /** A folder for the logs of tasks; not made yet. */
  readonly logsPath: string;
  /** Lets another agent have it. */
  release(): Promise<void>;
}

/**
 * Opens the agent's folder for this process alone: makes it where it is missing, takes its lock and reads the node id,
 * which is made up once and kept.
 * @param wantedId goes before the kept one
 * @throws LockedError when another agent uses it, or the file system's error
 */
export async function openStateDir(path: string, wantedId: NodeId | null): Promise<StateDir> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const release = await takeLock(join(path, 'agent.lock'));
  try {
    const nodeId = wantedId ?? (await keptNodeId(join(path, 'node-id')));
    // A journal belongs to one identity: under another its executions are unknown.
    const logsPath = join(path, `logs-${nodeId}`);
    return { nodeId, journalPath: join(path, `journal-${nodeId}.jsonl`), logsPath, release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function keptNodeId(path: string): Promise<NodeId> {
  try {
    return NodeId.parse((await readFile(path, 'utf8')).trim());
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw new Error(`the node id in ${path} cannot be read`, { cause: error });
    }
  }
  const id = NodeId.parse(`n-${randomUUID()}`);
  const file = await open(`${path}.next`, 'w', 0o600);
  await file.writeFile(`${id}\n`);
  await file.sync();
  await file.close();
  await rename(`${path}.next`, path);
  return id;
}
