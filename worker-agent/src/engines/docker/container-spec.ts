import type { NodeId } from '@shoal/schema/ids';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import type { PlannedPort } from './port-plan.ts';
import type { DockerParams } from './params.ts';
import { gpuKey, type Gpu, type Mount, type Provisions } from '../engine.ts';

/** Whose container it is and what for: an agent finds its own by them after a restart. */
export const labels = {
  node: 'shoal.node',
  execution: 'shoal.execution',
  job: 'shoal.job',
  /** What it holds that no other may have: host ports and graphics cards, separated by commas. */
  ports: 'shoal.ports',
  gpus: 'shoal.gpus',
  /** On the network of a task of type HTTP: where its proxy listens, for an agent that opens it again. */
  proxyPort: 'shoal.proxy-port',
} as const;

const PIDS_LIMIT = 512;
/** Docker's smallest share. */
const MIN_NANO_CPUS = 10_000_000;
/** For a task that names no amount, as Bacalhau's nodes have it: to Docker 0 would mean no limit. */
const LAST_RESORT = { cpu: 0.1, memory: 100 * 2 ** 20 };
/**
 * What Docker keeps of the output: two files of this size, the older one dropped when both are full. The agent reads along
 * as it is written; this is for the time in which no agent runs. Unlike `json-file`, `local` keeps every byte as it is.
 */
const LOG_OPTIONS = { 'max-size': '128m', 'max-file': '2', compress: 'false' };

/**
 * For a task whose only way out is its proxy, which resolves names itself: nothing listens there, in the container's own
 * namespace. Without it Docker's resolver asks the machine's, and whoever serves a domain hears what is asked under it.
 */
const NO_NAME_SERVER = ['127.0.0.1'];

/** What the engine itself has for a container. */
export interface Wired {
  readonly nodeId: NodeId;
  /** Docker's name of the network; null for `none`, `host` and `bridge`, which are called so themselves. */
  readonly networkName: string | null;
  /** `address:port` of the way out under network type HTTP. */
  readonly proxy: string | null;
  /** Name servers instead of the machine's, which a filtered task cannot reach. */
  readonly dns: readonly string[];
  readonly ports: readonly PlannedPort[];
  readonly gpus: readonly Gpu[];
  /** Devices of cards without a runtime of their own. */
  readonly devices: readonly string[];
}

/** What a container is made of beside the task's own parameters. */
export type Surroundings = Provisions & Wired;

/** The body of Docker's `POST /containers/create`. */
export interface CreateBody {
  readonly Image: string;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly NetworkDisabled: boolean;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly HostConfig: HostConfig;
}

interface HostConfig {
  readonly NetworkMode: string;
  readonly NanoCpus: number;
  readonly Memory: number;
  readonly MemorySwap: number;
  readonly PidsLimit: number;
  readonly CapDrop: readonly string[];
  readonly CapAdd?: readonly string[];
  readonly SecurityOpt: readonly string[];
  readonly Privileged: false;
  readonly IpcMode: 'private';
  readonly Dns?: readonly string[];
  readonly ExtraHosts?: readonly string[];
  readonly PortBindings?: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[]>>;
  readonly DeviceRequests?: readonly object[];
  readonly Devices?: readonly object[];
  readonly Mounts?: readonly object[];
  readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
}

/**
 * The container of one execution: hardened, limited to its resources, and with no way to the Docker socket. The default
 * seccomp profile applies because no other is named.
 */
export function createBody(run: RunSpec, params: DockerParams, around: Surroundings): CreateBody {
  const { nodeId, network, ports, gpus } = around;
  const bridged = network === 'bridge' || network === 'filtered';
  return {
    Image: params.image,
    ...(params.entrypoint.length > 0 && { Entrypoint: params.entrypoint }),
    ...(params.parameters.length > 0 && { Cmd: params.parameters }),
    ...(params.workingDirectory !== '' && { WorkingDir: params.workingDirectory }),
    Env: environmentOf(params, around),
    Labels: {
      [labels.node]: nodeId,
      [labels.execution]: run.executionId,
      [labels.job]: run.jobId,
      ...(ports.length > 0 && { [labels.ports]: ports.map((port) => port.hostPort).join(',') }),
      ...(gpus.length > 0 && { [labels.gpus]: gpus.map(gpuKey).join(',') }),
    },
    NetworkDisabled: network === 'none',
    ...(bridged && ports.length > 0 && { ExposedPorts: Object.fromEntries(ports.map((p) => [`${p.target}/tcp`, {}])) }),
    HostConfig: hostConfig(run, params, around),
  };
}

function hostConfig(run: RunSpec, params: DockerParams, around: Surroundings): HostConfig {
  const cpu = run.resources.cpu || LAST_RESORT.cpu;
  const memory = Math.floor(run.resources.memory) || LAST_RESORT.memory;
  const { network, networkName, ports, gpus, devices } = around;
  const dns = network === 'http' ? NO_NAME_SERVER : around.dns;
  const bridged = network === 'bridge' || network === 'filtered';
  const nvidia = gpus.filter((gpu) => gpu.vendor === 'nvidia').map((gpu) => String(gpu.index));
  return {
    NetworkMode: networkName ?? network,
    NanoCpus: Math.max(MIN_NANO_CPUS, Math.round(cpu * 1e9)),
    Memory: memory,
    // Equal to Memory: no swap on top of it.
    MemorySwap: memory,
    PidsLimit: PIDS_LIMIT,
    CapDrop: ['ALL'],
    ...(params.capabilities.length > 0 && { CapAdd: params.capabilities }),
    SecurityOpt: ['no-new-privileges'],
    Privileged: false,
    IpcMode: 'private',
    ...(dns.length > 0 && { Dns: dns }),
    ...((network === 'host' || network === 'bridge') && { ExtraHosts: ['host.docker.internal:host-gateway'] }),
    ...(bridged && ports.length > 0 && { PortBindings: bindings(ports) }),
    ...(nvidia.length > 0 && {
      DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: nvidia, Capabilities: [['gpu']] }],
    }),
    ...(devices.length > 0 && {
      Devices: devices.map((path) => ({ PathOnHost: path, PathInContainer: path, CgroupPermissions: 'rwm' })),
    }),
    ...(around.mounts.length > 0 && { Mounts: around.mounts.map(bindOf) }),
    LogConfig: { Type: 'local', Config: LOG_OPTIONS },
  };
}

/** `Mounts` and not `Binds`: those would make a folder of root's in place of a source that is gone. */
function bindOf({ source, target }: Mount): object {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: true };
}

function bindings(ports: readonly PlannedPort[]): NonNullable<HostConfig['PortBindings']> {
  return Object.fromEntries(
    ports.map(({ target, hostAddress, hostPort }) => [
      `${target}/tcp`,
      [{ HostIp: hostAddress, HostPort: String(hostPort) }],
    ]),
  );
}

/** `NAME=value` each: what the agent prepared, then what was wired, then the engine's parameters; later ones win. */
function environmentOf(params: DockerParams, around: Surroundings): string[] {
  const variables = new Map(Object.entries(around.environment));
  for (const { name, hostPort, target } of around.ports) {
    variables.set(`BACALHAU_HOST_PORT_${name}`, String(hostPort));
    if (around.network !== 'host') variables.set(`BACALHAU_PORT_${name}`, String(target));
  }
  if (around.proxy !== null) {
    variables.set('http_proxy', around.proxy);
    variables.set('https_proxy', around.proxy);
  }
  for (const one of params.environment) {
    const cut = one.indexOf('=');
    variables.set(one.slice(0, cut), one.slice(cut + 1));
  }
  return [...variables].map(([name, value]) => `${name}=${value}`);
}
