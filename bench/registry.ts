import { UserError } from '../cli/src/say.mjs';
import type { Row } from './row.ts';
import { placementClasses } from './rows/classes.ts';
import { dockerJob, dockerParallel } from './rows/docker.ts';
import { lifecycleOfMany, lifecycleOfOne } from './rows/lifecycle.ts';
import { logFlood, logLine } from './rows/logs.ts';
import { thousandNodes, thousandPartitions } from './rows/nodes.ts';
import { longQueue } from './rows/queue.ts';
import { stalledReaders } from './rows/readers.ts';
import { start } from './rows/start.ts';
import { stored } from './rows/stored.ts';
import { behindDeclined, bigAmongSmall } from './rows/waiting.ts';

/** All rows, in the order of the table. A new one is a file in `rows/` and a line here. */
export const rows: readonly Row[] = [
  dockerJob,
  dockerParallel,
  lifecycleOfOne,
  lifecycleOfMany,
  start,
  stored,
  longQueue,
  thousandNodes,
  thousandPartitions,
  placementClasses,
  behindDeclined,
  bigAmongSmall,
  logLine,
  logFlood,
  stalledReaders,
];

/**
 * The rows of these names, in the table's order; all when none is named.
 * @throws UserError that names what is unknown and what there is
 */
export function chosen(names: readonly string[], from: readonly Row[] = rows): readonly Row[] {
  const unknown = names.filter((name) => !from.some((row) => row.name === name));
  if (unknown.length > 0) {
    throw new UserError(
      `--only ${unknown.join(',')}: no such row; there are ${from.map(({ name }) => name).join(', ')}`,
    );
  }
  return names.length === 0 ? from : from.filter(({ name }) => names.includes(name));
}
