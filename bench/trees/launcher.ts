import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as agentFile from '../../cli/src/up/agent.ts';
import type * as stateFile from '../../cli/src/up/state.ts';
import type * as bundleFile from '../../cli/src/up/worker/bundle.ts';
import type * as workerFile from '../../cli/src/up/worker/worker.ts';

/** What a bench needs of a tree's launcher. */
export type Launcher = Pick<typeof stateFile, 'openState' | 'readRecords'> &
  Pick<typeof workerFile, 'startWorker'> &
  Pick<typeof bundleFile, 'buildWorker' | 'workerBundle'> &
  Pick<typeof agentFile, 'startAgent' | 'stopAgent'>;

/** Where a tree keeps it, and the first stage of its commands. What came before `cli/` has the second layout. */
const layouts = [
  { launcher: 'cli/src/up', ending: '.ts', run: 'scripts/run.mjs' },
  { launcher: 'launcher', ending: '.mjs', run: 'launcher/run.mjs' },
] as const;

function layoutOf(root: string): (typeof layouts)[number] | undefined {
  return layouts.find(({ run }) => existsSync(join(root, run)));
}

/** @returns the script that runs a command of a tree; undefined: the folder holds no tree of Shoal */
export function runScript(root: string): string | undefined {
  const layout = layoutOf(root);
  return layout && join(root, layout.run);
}

/** Loads the launcher of a tree; its files find their own tree by themselves. */
export async function loadLauncher(root: string): Promise<Launcher> {
  const { launcher, ending } = layoutOf(root) ?? layouts[0];
  const load = (file: string): Promise<unknown> => import(pathToFileURL(join(root, launcher, file + ending)).href);
  const { openState, readRecords } = (await load('state')) as typeof stateFile;
  const { startWorker } = (await load('worker/worker')) as typeof workerFile;
  const { buildWorker, workerBundle } = (await load('worker/bundle')) as typeof bundleFile;
  const { startAgent, stopAgent } = (await load('agent')) as typeof agentFile;
  return { openState, readRecords, startWorker, buildWorker, workerBundle, startAgent, stopAgent };
}
