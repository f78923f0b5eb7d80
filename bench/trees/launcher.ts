import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as agentFile from '../../launcher/agent.mjs';
import type * as stateFile from '../../launcher/state.mjs';
import type * as bundleFile from '../../launcher/worker/bundle.mjs';
import type * as workerFile from '../../launcher/worker/worker.mjs';

/** What a bench needs of a tree's launcher. */
export type Launcher = Pick<typeof stateFile, 'openState' | 'readRecords'> &
  Pick<typeof workerFile, 'startWorker'> &
  Pick<typeof bundleFile, 'workerBundle'> &
  Pick<typeof agentFile, 'startAgent' | 'stopAgent'>;

/** Loads the launcher of a tree; its files find their own tree by themselves. */
export async function loadLauncher(root: string): Promise<Launcher> {
  const load = (file: string): Promise<unknown> => import(pathToFileURL(join(root, 'launcher', file)).href);
  const { openState, readRecords } = (await load('state.mjs')) as typeof stateFile;
  const { startWorker } = (await load('worker/worker.mjs')) as typeof workerFile;
  const { workerBundle } = (await load('worker/bundle.mjs')) as typeof bundleFile;
  const { startAgent, stopAgent } = (await load('agent.mjs')) as typeof agentFile;
  return { openState, readRecords, startWorker, workerBundle, startAgent, stopAgent };
}
