import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExecutionId, type NodeId } from '@shoal/schema/ids';
import { z } from 'zod';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { AddressPolicy } from '../../fetch/addresses.ts';
import { DomainList } from '../../fetch/domains.ts';
import { EgressFilter } from './egress-filter.ts';
import { HttpProxy } from '../../fetch/http-proxy.ts';
import { findProxyPort } from './port-plan.ts';
import { freeSubnets } from './subnets.ts';
import { errorText, type Log } from '../../ports.ts';
import { labels } from './container-spec.ts';
import type { DockerApi } from './api.ts';
import { networkError, statusOf } from './errors.ts';

/** Of networks without a label for it. */
const DEFAULT_PROXY_PORT = 8080;
const INTERFACE_HEX = 6;
const SUBNET_TRIES = 32;
const LISTEN_TRIES = 50;
const LISTEN_PAUSE_MS = 20;

const Inspected = z.object({
  Labels: z.record(z.string(), z.string()).nullish(),
  IPAM: z.object({ Config: z.array(z.object({ Gateway: z.string().optional() })).nullish() }),
  Containers: z.record(z.string(), z.unknown()).nullish(),
});
const Listed = z.array(z.object({ Name: z.string(), Labels: z.record(z.string(), z.string()).nullish() }));

interface WayOut {
  readonly proxy: HttpProxy;
  readonly networkInterface: string;
}

/**
 * The node's own Docker networks: one that its tasks of type Bridge share, and one for each task of type HTTP, which is
 * internal and has a proxy of this process at its gateway. Both need rules in this machine's kernel.
 */
export class DockerNetworks {
  readonly #nodeId: NodeId;
  readonly #filter: EgressFilter;
  readonly #addresses: AddressPolicy;
  readonly #log: Log;
  readonly #waysOut = new Map<ExecutionId, WayOut>();
  #made = false;
  #making: Promise<void> | null = null;
  #hostName: string | null = null;

  constructor(nodeId: NodeId, openRanges: readonly string[], log: Log) {
    this.#nodeId = nodeId;
    this.#filter = new EgressFilter(nodeId, openRanges, () => {
      log.warn('network.rules_lost', { hint: 'A firewall was loaded anew? The rules for tasks are set again.' });
    });
    this.#addresses = new AddressPolicy(openRanges);
    this.#log = log;
  }

  /** Docker's name of the network that tasks of type Bridge share. */
  get bridgeName(): string {
    return `shoal-${this.#filter.names.bridge}`;
  }

  static httpName(executionId: ExecutionId): string {
    return `shoal-${executionId}`;
  }

  /** Looks whether this node can have such networks, and makes none. @throws when it cannot */
  async check(api: DockerApi): Promise<void> {
    if (process.platform !== 'linux') throw new Error('only Linux can filter what leaves a network');
    this.#hostName ??= await api.hostName();
    if (this.#hostName !== hostname()) throw new Error('Docker runs on another machine');
    await this.#filter.check();
  }

  /** Makes the bridge and its rules, or sees that they are there. @throws when this node cannot have them */
  async ensureBridge(api: DockerApi): Promise<void> {
    // Before the network: there is no moment in which a container could be on it without them.
    await setUp(() => this.#filter.ensure());
    if (this.#made && existsSync(`/sys/class/net/${this.#filter.names.bridge}`)) return;
    // Docker refuses a second request for it while it makes the first.
    this.#making ??= this.#makeBridge(api).finally(() => (this.#making = null));
    await this.#making;
  }

  async #makeBridge(api: DockerApi): Promise<void> {
    const { bridge } = this.#filter.names;
    await createNetwork(api, {
      Name: this.bridgeName,
      CheckDuplicate: true,
      Driver: 'bridge',
      Labels: { [labels.node]: this.#nodeId },
      Options: { 'com.docker.network.bridge.name': bridge, 'com.docker.network.bridge.enable_icc': 'false' },
    });
    if (!existsSync(`/sys/class/net/${bridge}`)) {
      await api.removeNetwork(this.bridgeName).catch(() => {});
      throw networkError(new Error('Docker runs on another machine'));
    }
    this.#made = true;
  }

  /** Gives a task of type HTTP its network and its proxy, or finds them again. @returns `address:port` of the proxy */
  async openHttp(api: DockerApi, run: RunSpec): Promise<string> {
    await setUp(() => this.#filter.ensure());
    const port = await setUp(findProxyPort);
    const body = {
      Name: DockerNetworks.httpName(run.executionId),
      CheckDuplicate: true,
      Driver: 'bridge',
      Internal: true,
      // Of a network that is there already, Docker keeps the label: its container knows that port.
      Labels: {
        [labels.node]: this.#nodeId,
        [labels.execution]: run.executionId,
        [labels.proxyPort]: String(port),
      },
      Options: { 'com.docker.network.bridge.name': this.#interfaceOf(run.executionId) },
    };
    await createSmallNetwork(api, body);
    return this.#openProxy(api, run);
  }

  /** After a restart of the agent: the network is there, its proxy went down with the process. */
  async reopenHttp(api: DockerApi, run: RunSpec): Promise<void> {
    if (this.#waysOut.has(run.executionId)) return;
    await setUp(() => this.#filter.ensure());
    await this.#openProxy(api, run);
  }

  async closeHttp(api: DockerApi, executionId: ExecutionId): Promise<void> {
    const wayOut = this.#waysOut.get(executionId);
    this.#waysOut.delete(executionId);
    await wayOut?.proxy.close();
    if (wayOut !== undefined) await this.#filter.dismiss(wayOut.networkInterface);
    await api.removeNetwork(DockerNetworks.httpName(executionId));
  }

  /** Executions that have a network of their own. */
  async list(api: DockerApi): Promise<ExecutionId[]> {
    const networks = Listed.parse(await api.listNetworks(`${labels.node}=${this.#nodeId}`));
    return networks.flatMap(({ Labels }) => {
      const id = ExecutionId.safeParse(Labels?.[labels.execution]);
      return id.success ? [id.data] : [];
    });
  }

  /** Takes the shared network and all rules away, unless containers are on it. */
  async close(api: DockerApi): Promise<void> {
    const found = Inspected.safeParse(await api.inspectNetwork(this.bridgeName));
    if (found.success && Object.keys(found.data.Containers ?? {}).length > 0) return;
    if ((await this.list(api)).length > 0) return;
    await api.removeNetwork(this.bridgeName);
    await this.#filter.remove();
    this.#made = false;
  }

  async #openProxy(api: DockerApi, run: RunSpec): Promise<string> {
    const { executionId, jobId } = run;
    const { data: inspected } = Inspected.safeParse(await api.inspectNetwork(DockerNetworks.httpName(executionId)));
    if (inspected === undefined) throw networkError(new Error('it was removed by somebody else'));
    const gateway = inspected.IPAM.Config?.[0]?.Gateway ?? '';
    const port = Number(inspected.Labels?.[labels.proxyPort] ?? DEFAULT_PROXY_PORT);
    const networkInterface = this.#interfaceOf(executionId);
    if (!this.#waysOut.has(executionId)) {
      const domains = new DomainList(run.task.Network.Domains ?? []);
      const proxy = new HttpProxy({ domains, addresses: this.#addresses, executionId, jobId }, this.#log);
      await setUp(() => this.#listen(proxy, gateway, port));
      this.#waysOut.set(executionId, { proxy, networkInterface });
    }
    await setUp(() => this.#filter.admit(networkInterface, gateway, port));
    return `${gateway}:${port}`;
  }

  /** The gateway's address appears a moment after the network. */
  async #listen(proxy: HttpProxy, gateway: string, port: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await proxy.listen(gateway, port);
        return;
      } catch (error) {
        if (attempt === LISTEN_TRIES)
          throw new Error(`no proxy at ${gateway}:${port}: ${errorText(error)}`, { cause: error });
      }
      await sleep(LISTEN_PAUSE_MS);
    }
  }

  #interfaceOf(executionId: ExecutionId): string {
    const hash = createHash('sha256').update(executionId).digest('hex');
    return `${this.#filter.names.httpPrefix}${hash.slice(0, INTERFACE_HEX)}`;
  }
}

/** Makes a network in a subnet that nobody uses, or where Docker's own pools have room if there is no such subnet. */
async function createSmallNetwork(api: DockerApi, body: object): Promise<void> {
  let tries = 0;
  for (const { range, gateway } of freeSubnets()) {
    tries += 1;
    if (tries > SUBNET_TRIES) break;
    try {
      await api.createNetwork({ ...body, IPAM: { Config: [{ Subnet: range, Gateway: gateway }] } });
      return;
    } catch (error) {
      // With a network of Docker's that no route tells of, or of another agent that chose the same at this moment.
      if (!/overlap/i.test(errorText(error))) throw asNetworkError(error);
    }
  }
  await createNetwork(api, body);
}

async function createNetwork(api: DockerApi, body: object): Promise<void> {
  try {
    await api.createNetwork(body);
  } catch (error) {
    throw asNetworkError(error);
  }
}

/** What Docker said is about its network; that it said nothing is another matter, and may be asked again. */
function asNetworkError(error: unknown): unknown {
  return statusOf(error) === null ? error : networkError(error);
}

/** Runs a part in which Docker has none: its failure is not Docker's silence. */
async function setUp<T>(part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    throw networkError(error);
  }
}
