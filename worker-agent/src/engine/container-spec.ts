import type { NodeId } from '@shoal/schema/ids';
import type { RunSpec } from '../journal/records.ts';
import type { DockerParams } from './docker-params.ts';
import type { ContainerNetwork } from './engine.ts';

/** Whose container it is and what for: an agent finds its own by them after a restart. */
export const labels = { node: 'shoal.node', execution: 'shoal.execution', job: 'shoal.job' } as const;

const PIDS_LIMIT = 512;
/** Docker's smallest share. */
const MIN_NANO_CPUS = 10_000_000;
/** For a task that names no amount, as Bacalhau's nodes have it: to Docker 0 would mean no limit. */
const LAST_RESORT = { cpu: 0.1, memory: 100 * 2 ** 20 };
/** A task's output on disk: two files of this size, the older one dropped when both are full. */
const LOG_FILE_SIZE = '64m';
const LOG_FILES = '2';

/** The body of Docker's `POST /containers/create`. */
export interface CreateBody {
  readonly Image: string;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly NetworkDisabled: boolean;
  readonly HostConfig: HostConfig;
}

interface HostConfig {
  readonly NetworkMode: ContainerNetwork;
  readonly NanoCpus: number;
  readonly Memory: number;
  readonly MemorySwap: number;
  readonly PidsLimit: number;
  readonly CapDrop: readonly string[];
  readonly SecurityOpt: readonly string[];
  readonly Privileged: false;
  readonly IpcMode: 'private';
  readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
}

/**
 * The container of one execution: hardened, limited to its resources, and with no way to the Docker socket. The default
 * seccomp profile applies because no other is named.
 */
export function createBody(
  run: RunSpec,
  params: DockerParams,
  { nodeId, network }: { nodeId: NodeId; network: ContainerNetwork },
): CreateBody {
  const cpu = run.resources.cpu || LAST_RESORT.cpu;
  const memory = Math.floor(run.resources.memory) || LAST_RESORT.memory;
  return {
    Image: params.image,
    ...(params.entrypoint.length > 0 && { Entrypoint: params.entrypoint }),
    ...(params.parameters.length > 0 && { Cmd: params.parameters }),
    ...(params.workingDirectory !== '' && { WorkingDir: params.workingDirectory }),
    Env: environmentOf(run, params),
    Labels: { [labels.node]: nodeId, [labels.execution]: run.executionId, [labels.job]: run.jobId },
    NetworkDisabled: network === 'none',
    HostConfig: {
      NetworkMode: network,
      NanoCpus: Math.max(MIN_NANO_CPUS, Math.round(cpu * 1e9)),
      Memory: memory,
      // Equal to Memory: no swap on top of it.
      MemorySwap: memory,
      PidsLimit: PIDS_LIMIT,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      IpcMode: 'private',
      LogConfig: { Type: 'json-file', Config: { 'max-size': LOG_FILE_SIZE, 'max-file': LOG_FILES } },
    },
  };
}

/** `NAME=value` each: the task's variables, then Shoal's own, then the engine's; later ones win. */
function environmentOf(run: RunSpec, params: DockerParams): string[] {
  const variables = new Map(Object.entries(run.task.Env ?? {}));
  variables.set('BACALHAU_EXECUTION_ID', run.executionId);
  variables.set('BACALHAU_JOB_ID', run.jobId);
  variables.set('BACALHAU_JOB_TYPE', run.jobType);
  variables.set('BACALHAU_PARTITION_INDEX', String(run.partition));
  variables.set('BACALHAU_PARTITION_COUNT', String(run.partitionCount));
  for (const one of params.environment) {
    const cut = one.indexOf('=');
    variables.set(one.slice(0, cut), one.slice(cut + 1));
  }
  return [...variables].map(([name, value]) => `${name}=${value}`);
}
