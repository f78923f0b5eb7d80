import { resourcesText } from '@shoal/schema/format';
import { networkTypes, type NetworkType, type Resources } from '@shoal/schema/job/job';
import { variablesOfNode, type Offers as OwnerOffers } from '@shoal/schema/offers';
import type { ContainerNetwork, Examined } from '../engines/engine.ts';
import { isAllowedVariable } from './environment.ts';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';

/** What the owner of the machine allows beyond the defaults. */
export interface Policy {
  /** Tasks may use the machine's own network. */
  readonly allowHostNetwork: boolean;
  /** Tasks may use a bridge from which the owner's network can be reached. */
  readonly unfilteredBridge: boolean;
  /** Whether tasks may publish ports; absent means yes. */
  readonly ports?: boolean;
  /** Where tasks may have ports that they name themselves, both ends included; absent means anywhere. */
  readonly portRange?: { readonly from: number; readonly to: number };
  /** Names of this machine's variables that tasks may have as `env:NAME`, `*` for anything; absent means none. */
  readonly envPatterns?: readonly string[];
}

/** What a task may ask for here and now. */
export interface Offers {
  /** Engine types that answer, lower case. */
  readonly engines: readonly string[];
  readonly publishers: readonly string[];
  readonly sources: readonly string[];
  readonly capacity: Resources;
  readonly policy: Policy;
  /** Tasks can be kept away from this machine's network. */
  readonly isolates?: boolean;
  /** Linux capabilities that tasks may ask for; absent means none. */
  readonly capabilities?: readonly string[];
}

export type Admission =
  | { readonly ok: true; readonly network: ContainerNetwork }
  /** All the reasons, in one line. */
  | { readonly ok: false; readonly reason: string };

/** Sums of fractions of cores are not exact. */
const CPU_TOLERANCE = 1e-6;

/**
 * Decides whether this node takes an execution. The Scheduler places by what the node says it offers; what it cannot know,
 * or what changed in the meantime, is declined here. Pure.
 * @param examined what the task's engine refuses; nothing where there is no such engine
 * @param offers those of the task's engine
 * @param used what the executions that are here already may use
 */
export function admit(
  { run, refusals }: Pick<Examined, 'run' | 'refusals'>,
  offers: Offers,
  used: Resources,
): Admission {
  const { task } = run;
  const network = resolveNetwork(task.Network.Type, offers);
  const reasons = [
    ...unsupported(run, offers),
    ...(typeof network === 'string' ? [] : [network.refusal]),
    ...unwantedPorts(run, network, offers.policy),
    ...refusals,
    ...((task.ResultPaths?.length ?? 0) > 0 ? ['this node does not support result paths'] : []),
    ...hostVariables(task.Env ?? {}, offers.policy.envPatterns ?? []),
    ...shortage(run.resources, offers.capacity, used),
  ];
  if (typeof network === 'string' && reasons.length === 0) return { ok: true, network };
  return { ok: false, reason: reasons.join('; ') };
}

/** What the owner allows, as the Scheduler is told: so that nothing is placed here only to be declined. */
export function ownerOffers(offers: Offers): OwnerOffers {
  const { envPatterns = [], ports = true, portRange = { from: 1, to: 65_535 } } = offers.policy;
  return {
    networks: networkTypes.filter((type) => typeof resolveNetwork(type, offers) === 'string'),
    capabilities: [...(offers.capabilities ?? [])],
    env: [...envPatterns],
    ports: ports ? portRange : null,
    resultPaths: false,
  };
}

/** The container network of a task's network type, or why this node does not have it. */
function resolveNetwork(
  type: NetworkType,
  { policy, isolates = false }: Offers,
): ContainerNetwork | { readonly refusal: string } {
  // An owner who gives away the network has said so: then there is no need for the filter.
  const bridge = policy.unfilteredBridge ? 'bridge' : 'filtered';
  const hasBridge = policy.unfilteredBridge || isolates;
  const reason = 'it cannot keep tasks away from its own network';
  switch (type) {
    case 'None':
      return 'none';
    case 'Default':
      return hasBridge ? bridge : 'none';
    case 'Bridge':
      if (hasBridge) return bridge;
      return {
        refusal:
          `this node does not offer network type Bridge: ${reason} ` +
          '(its owner may allow that with --unfiltered-bridge)',
      };
    case 'Host':
    case 'Full':
      if (policy.allowHostNetwork) return 'host';
      return {
        refusal: `this node does not offer network type ${type} (its owner may allow it with --allow-host-network)`,
      };
    case 'HTTP':
      return isolates ? 'http' : { refusal: `this node does not offer network type HTTP: ${reason}` };
  }
}

function unwantedPorts({ task }: RunSpec, network: ReturnType<typeof resolveNetwork>, policy: Policy): string[] {
  if ((task.Network.Ports?.length ?? 0) === 0) return [];
  if (policy.ports === false) return ['this node does not publish ports'];
  if (network === 'none' || network === 'http') return ['ports need network type Host or Bridge'];
  return portsOutside(task.Network.Ports ?? [], policy.portRange);
}

function portsOutside(ports: NonNullable<RunSpec['task']['Network']['Ports']>, range: Policy['portRange']): string[] {
  if (range === undefined) return [];
  return ports
    .filter(({ Static: port = 0 }) => port !== 0 && (port < range.from || port > range.to))
    .map(
      ({ Name: name, Static: port }) =>
        `this node publishes ports ${range.from} to ${range.to} only: port ${name} asks for ${port}`,
    );
}

export function sumResources(all: Iterable<Resources>): Resources {
  const sum = { cpu: 0, memory: 0, disk: 0, gpu: 0 };
  for (const one of all) {
    sum.cpu += one.cpu;
    sum.memory += one.memory;
    sum.disk += one.disk;
    sum.gpu += one.gpu;
  }
  return sum;
}

function unsupported({ task }: RunSpec, offers: Offers): string[] {
  const wanted: [string, readonly string[]][] = [
    [task.Engine.Type, offers.engines],
    ...(task.Publisher.Type === '' ? [] : [[task.Publisher.Type, offers.publishers] as [string, readonly string[]]]),
    ...(task.InputSources ?? []).map((input): [string, readonly string[]] => [input.Source.Type, offers.sources]),
  ];
  return wanted
    .filter(([type, offered]) => !offered.includes(type.toLowerCase()))
    .map(([type]) => `this node does not support "${type}"`);
}

/** `env:NAME` takes a variable of the node itself, when its owner allows that. */
function hostVariables(env: Readonly<Record<string, string>>, patterns: readonly string[]): string[] {
  return variablesOfNode(env)
    .filter(([, wanted]) => !isAllowedVariable(wanted, patterns))
    .map(
      ([name, wanted]) =>
        `this node does not resolve environment variable ${name}: environment variable '${wanted}' is not in allowed patterns`,
    );
}

function shortage(need: Resources, capacity: Resources, used: Resources): string[] {
  const fits = (part: keyof Resources, tolerance = 0): boolean => need[part] + used[part] <= capacity[part] + tolerance;
  if (fits('cpu', CPU_TOLERANCE) && fits('memory') && fits('disk') && fits('gpu')) return [];
  const free: Resources = {
    cpu: Math.max(0, capacity.cpu - used.cpu),
    memory: Math.max(0, capacity.memory - used.memory),
    disk: Math.max(0, capacity.disk - used.disk),
    gpu: Math.max(0, capacity.gpu - used.gpu),
  };
  return [`insufficient resources - requested: ${resourcesText(need)}, available: ${resourcesText(free)}`];
}
