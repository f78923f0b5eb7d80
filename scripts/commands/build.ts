import { relative } from 'node:path';
import { root } from '../../cli/src/up/config.ts';
import { say } from '../../cli/src/say.mjs';
import { agentBundle, buildAll, workerBundle } from '../../cli/src/up/worker/bundle.ts';

/** Makes the two bundles: what workerd runs and what users of the agent get. */
export async function build() {
  await buildAll();
  say(`${relative(root, workerBundle)}\n${relative(root, agentBundle)}`);
  return 0;
}
