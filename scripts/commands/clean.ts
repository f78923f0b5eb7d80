import { rmSync } from 'node:fs';
import { stateFolder } from '../../cli/src/up/config.ts';
import { mountsUnder, stopDaemon } from '../../cli/src/up/docker/daemon.ts';
import { endProcess } from '../../cli/src/up/processes.ts';
import { UserError, say } from '../../cli/src/say.mjs';
import { isStateFolder, readRecords, userOf } from '../../cli/src/up/state.ts';

/** Ends what a killed `npm start` left and removes its state folder; the first stage removes the rest. */
export async function clean(): Promise<number> {
  const state = stateFolder(process.env);
  if (!isStateFolder(state)) throw new UserError(`SHOAL_STATE=${state} is not a state folder of Shoal; it stays`);
  const owner = userOf(state);
  if (owner !== undefined)
    throw new UserError(`npm start is running on ${state} (process ${owner.pid}); stop it first`);
  for (const [name, record] of Object.entries(readRecords(state))) {
    if (name !== 'dockerd') await endProcess(record, name.startsWith('agent-') ? 15_000 : 0);
  }
  await stopDaemon(state);
  const [mount] = mountsUnder([`${state}/`]);
  if (mount !== undefined) throw new UserError(`${mount} is still mounted; unmount it, then try again`);
  rmSync(state, { recursive: true, force: true });
  say(`removed ${state}`);
  return 0;
}
