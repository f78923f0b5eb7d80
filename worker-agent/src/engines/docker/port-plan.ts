import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { isIP } from 'node:net';
import type { Task } from '@shoal/schema/job/job';

type Mapping = NonNullable<Task['Network']['Ports']>[number];

/** A port of a task as the container gets it. */
export interface PlannedPort {
  readonly name: string;
  readonly hostPort: number;
  /** What the task listens on. Equal to the host's port where it uses the host's network. */
  readonly target: number;
  readonly hostAddress: string;
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export const DEFAULT_PORT_RANGE: PortRange = { from: 20_000, to: 32_000 };

/**
 * Where proxies listen: below the ports of tasks, and below those that the kernel gives to connections, and in the middle
 * of nothing that is usually served.
 */
const PROXY_RANGE: PortRange = { from: 10_000, to: 19_999 };
const PROXY_PORT_TRIES = 100;

/** A port that cannot be had here. */
export class PortError extends Error {
  override readonly name = 'PortError';
}

/**
 * Chooses the ports of one task: the ones that it names, and free ones of the range for the others.
 * @param taken ports of other tasks of this node, whether they listen yet or not
 * @throws PortError with Bacalhau's words
 * @see Bacalhau pkg/compute/ports
 */
export async function planPorts(
  mappings: readonly Mapping[],
  { bridged, range, taken }: { bridged: boolean; range: PortRange; taken: ReadonlySet<number> },
): Promise<PlannedPort[]> {
  const used = new Set(taken);
  const planned: PlannedPort[] = [];
  // Those that are named first, so that none of them is given away.
  const ordered = mappings.map((mapping, index) => ({ mapping, index }));
  ordered.sort((a, b) => Number((b.mapping.Static ?? 0) > 0) - Number((a.mapping.Static ?? 0) > 0));
  for (const { mapping, index } of ordered) {
    const hostAddress = mapping.HostNetwork ?? '0.0.0.0';
    const hostPort = await choose(mapping.Static ?? 0, { hostAddress, range, used });
    used.add(hostPort);
    const target = bridged && (mapping.Target ?? 0) > 0 ? (mapping.Target ?? 0) : hostPort;
    planned[index] = { name: mapping.Name, hostPort, target, hostAddress };
  }
  return planned;
}

/** A port that is free on every address, also on those that the machine does not have yet. @throws PortError */
export async function findProxyPort(): Promise<number> {
  for (let attempt = 0; attempt < PROXY_PORT_TRIES; attempt += 1) {
    const port = randomInt(PROXY_RANGE.from, PROXY_RANGE.to + 1);
    if (await isFree('0.0.0.0', port)) return port;
  }
  throw new PortError(`no free port found in range ${PROXY_RANGE.from}-${PROXY_RANGE.to}`);
}

interface Search {
  readonly hostAddress: string;
  readonly range: PortRange;
  readonly used: ReadonlySet<number>;
}

async function choose(wanted: number, { hostAddress, range, used }: Search): Promise<number> {
  if (wanted > 0) {
    if (used.has(wanted) || !(await isFree(hostAddress, wanted))) throw new PortError(`port ${wanted} is in use`);
    return wanted;
  }
  for (let port = range.from; port <= range.to; port += 1) {
    if (!used.has(port) && (await isFree(hostAddress, port))) return port;
  }
  throw new PortError(`no available ports in range ${range.from}-${range.to}`);
}

function isFree(host: string, port: number): Promise<boolean> {
  if (isIP(host) === 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
