import { DEFAULT_NAMESPACE } from '../ids.ts';
import type { JobSpec, NetworkConfig, SpecConfig, Task, TimeoutConfig } from './job.ts';
import { readNetworkType } from './input.ts';
import type { JobInput, NetworkInput, SpecConfigInput, TaskInput, TimeoutsInput } from './input.ts';
import { normaliseAmount, readResources } from './resources.ts';
import { runsOnEveryNode } from '../states.ts';
import { isJobType } from './validate-job.ts';
import { plain } from './validate-task.ts';

/** What a task gets that names none. */
export const DEFAULT_CPU = '500m';
export const DEFAULT_MEMORY = '512mb';

/**
 * Turns a submission that passed `validateJob` into the document that is stored: defaults filled in, text trimmed and
 * lower-cased where Bacalhau does so, empty optional parts left out.
 * @see Bacalhau pkg/models/job.go, Normalize; pkg/jobstore job defaults
 */
export function normaliseJob(job: JobInput): JobSpec {
  const given = job.Type ?? '';
  const type = isJobType(given) ? given : 'batch';
  const everyNode = runsOnEveryNode(type);
  const [task = {}] = job.Tasks ?? [];
  return {
    Name: job.Name ?? '',
    Namespace: job.Namespace === undefined || job.Namespace === '' ? DEFAULT_NAMESPACE : job.Namespace,
    Type: type,
    Priority: job.Priority ?? 0,
    Count: everyNode ? 0 : (job.Count ?? 1),
    Constraints: (job.Constraints ?? []).map((constraint) => ({
      Key: constraint.Key ?? '',
      Operator: constraint.Operator ?? '',
      ...nonEmpty('Values', constraint.Values),
    })),
    Meta: job.Meta ?? {},
    Labels: job.Labels ?? {},
    Tasks: [normaliseTask(task)],
  };
}

function normaliseTask(task: TaskInput): Task {
  const sources = (task.InputSources ?? []).map((source) => ({
    Source: specConfig(source.Source),
    Alias: source.Alias ?? '',
    Target: source.Target ?? '',
  }));
  const paths = (task.ResultPaths ?? []).map((path) => ({ Name: path.Name ?? '', Path: path.Path ?? '' }));
  const amounts = plain(task.Resources ?? task.ResourcesConfig ?? {});
  // Zero is none: Docker would take it for no limit at all.
  const { cpu, memory } = readResources(amounts).resources;
  return {
    Name: task.Name ?? '',
    Engine: specConfig(task.Engine),
    Publisher: specConfig(task.Publisher),
    ...nonEmpty('Env', task.Env),
    ...nonEmpty('Meta', task.Meta),
    ...nonEmpty('InputSources', sources),
    ...nonEmpty('ResultPaths', paths),
    Resources: {
      CPU: cpu > 0 ? normaliseAmount(amounts.CPU ?? '') : DEFAULT_CPU,
      Memory: memory > 0 ? normaliseAmount(amounts.Memory ?? '') : DEFAULT_MEMORY,
      ...nonEmpty('Disk', normaliseAmount(amounts.Disk ?? '')),
      ...nonEmpty('GPU', normaliseAmount(amounts.GPU ?? '')),
    },
    Network: network(task.Network ?? {}),
    Timeouts: timeouts(task.Timeouts ?? {}),
  };
}

function specConfig(config: SpecConfigInput = {}): SpecConfig {
  return { Type: (config.Type ?? '').trim(), ...nonEmpty('Params', config.Params) };
}

function network(given: NetworkInput): NetworkConfig {
  const ports = (given.Ports ?? []).map((port) =>
    plain({
      Name: port.Name ?? '',
      Static: port.Static === 0 ? undefined : port.Static,
      Target: port.Target === 0 ? undefined : port.Target,
      HostNetwork: port.HostNetwork === '' ? undefined : port.HostNetwork,
    }),
  );
  return {
    Type: readNetworkType(given.Type ?? '') ?? 'Default',
    ...nonEmpty(
      'Domains',
      given.Domains?.map((domain) => domain.trim().toLowerCase()),
    ),
    ...nonEmpty('Ports', ports),
  };
}

/** 0 means none and is left out. */
function timeouts(given: TimeoutsInput): TimeoutConfig {
  return Object.fromEntries(Object.entries(given).filter(([, seconds]) => (seconds ?? 0) > 0));
}

/** `{ key: value }`, or nothing when the text, list or map is empty or missing. */
function nonEmpty<K extends string, V extends object | string>(key: K, value: V | undefined): { [key in K]?: V } {
  if (value === undefined) return {};
  const size = typeof value === 'string' ? value.length : Object.keys(value).length;
  return size === 0 ? {} : ({ [key]: value } as { [key in K]?: V });
}
