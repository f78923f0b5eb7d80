import { createServer, isIP } from 'node:net';
import type { ExecutionId, NodeId } from '@shoal/schema/ids';
import { z } from 'zod';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { planPorts, PortError, type PlannedPort, type PortRange } from './port-plan.ts';
import { makeFailure } from '@shoal/schema/protocol/common';
import { labels } from './container-spec.ts';
import type { DockerApi } from './api.ts';
import { EngineError, gpuKey, type ContainerNetwork, type Gpu } from '../engine.ts';

/** What one container gets that no other has at the same time. */
export interface Wiring {
  readonly ports: readonly PlannedPort[];
  readonly gpus: readonly Gpu[];
}

const Listed = z.array(z.object({ Labels: z.record(z.string(), z.string()).nullish() }));
const ANY_ADDRESS = '0.0.0.0';
const nothing: Wiring = { ports: [], gpus: [] };

/**
 * Hands out ports and graphics cards. The containers' own labels are the record of what is taken, so a restarted agent
 * knows it as well; what is handed out and not yet a container is kept here.
 */
export class Switchboard {
  readonly #nodeId: NodeId;
  readonly #gpus: readonly Gpu[];
  readonly #range: PortRange;
  readonly #given = new Map<ExecutionId, Wiring>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(nodeId: NodeId, gpus: readonly Gpu[], range: PortRange) {
    this.#nodeId = nodeId;
    this.#gpus = gpus;
    this.#range = range;
  }

  /** @throws EngineError when a port or a card cannot be had */
  async give(api: DockerApi, run: RunSpec, network: ContainerNetwork): Promise<Wiring> {
    const mappings = run.task.Network.Ports ?? [];
    if (mappings.length === 0 && run.resources.gpu === 0) return nothing;
    // One at a time: two tasks that look at once would find the same port free.
    const turn = this.#queue.then(() => this.#give(api, run, network));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  takeBack(executionId: ExecutionId): void {
    this.#given.delete(executionId);
  }

  async #give(api: DockerApi, run: RunSpec, network: ContainerNetwork): Promise<Wiring> {
    const known = this.#given.get(run.executionId);
    if (known !== undefined) return known;
    const taken = await this.#taken(api, run.executionId);
    const wiring = {
      gpus: this.#chooseGpus(run, taken.gpus),
      ports: await this.#choosePorts(run, network, taken.ports),
    };
    this.#given.set(run.executionId, wiring);
    return wiring;
  }

  #chooseGpus(run: RunSpec, taken: ReadonlySet<string>): Gpu[] {
    const free = this.#gpus.filter((gpu) => !taken.has(gpuKey(gpu)));
    const chosen = free.slice(0, run.resources.gpu);
    if (chosen.length === run.resources.gpu) return chosen;
    const message = `not enough GPUs free: ${run.resources.gpu} wanted, ${free.length} of ${this.#gpus.length} free`;
    throw new EngineError(makeFailure('environment', 'Preparing Environment', message));
  }

  async #choosePorts(run: RunSpec, network: ContainerNetwork, taken: ReadonlySet<number>): Promise<PlannedPort[]> {
    const bridged = network === 'bridge' || network === 'filtered';
    const mappings = run.task.Network.Ports ?? [];
    await checkAddresses(mappings.map((mapping) => mapping.HostNetwork ?? ANY_ADDRESS));
    try {
      return await planPorts(mappings, { bridged, range: this.#range, taken });
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      const hint = 'Leave out Static to get a free port, or try again when the other user of the port has ended.';
      throw new EngineError(makeFailure('environment', 'Preparing Environment', error.message, hint), { cause: error });
    }
  }

  async #taken(api: DockerApi, but: ExecutionId): Promise<{ ports: Set<number>; gpus: Set<string> }> {
    const ports = new Set<number>();
    const gpus = new Set<string>();
    for (const given of this.#given.values()) {
      for (const port of given.ports) ports.add(port.hostPort);
      for (const gpu of given.gpus) gpus.add(gpuKey(gpu));
    }
    for (const { Labels } of Listed.parse(await api.list(`${labels.node}=${this.#nodeId}`))) {
      if (Labels?.[labels.execution] === but) continue;
      for (const port of words(Labels?.[labels.ports])) ports.add(Number(port));
      for (const gpu of words(Labels?.[labels.gpus])) gpus.add(gpu);
    }
    return { ports, gpus };
  }
}

/** On an address that the machine does not have every port looks taken. @throws EngineError */
async function checkAddresses(addresses: readonly string[]): Promise<void> {
  for (const address of new Set(addresses)) {
    if (await isOwnAddress(address)) continue;
    const message = `HostNetwork ${address} is not an address of this machine`;
    const hint =
      'Leave out HostNetwork to publish the port on all addresses, or place the job on the node that has it.';
    throw new EngineError(makeFailure('environment', 'Preparing Environment', message, hint));
  }
}

/** Of a family that it does not speak, or nobody's. */
const foreign: ReadonlySet<string | undefined> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']);

/** Whatever else keeps a port from being bound is told where the port is chosen. */
function isOwnAddress(host: string): Promise<boolean> {
  // A name would be looked up.
  if (isIP(host) === 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(!foreign.has(error.code)));
    server.listen({ host, port: 0, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((word) => word !== '');
}
