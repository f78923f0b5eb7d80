import { z } from 'zod';
import type { JobSpec } from './job/job.ts';

/** What a machine's owner lets tasks ask for, as its agent says it. Advice: the agent's decline stays the last word. */
export const Offers = z.object({
  /** Network types that a task may name. */
  networks: z.array(z.string().max(32)).max(16),
  /** Linux capabilities, upper case without `CAP_`. */
  capabilities: z.array(z.string().max(64)).max(64),
  /** Names of the machine's variables that tasks may have as `env:NAME`; `*` stands for anything. */
  env: z.array(z.string().max(256)).max(256),
  /** Where tasks may have ports of the machine that they name; null where none are published. */
  ports: z.object({ from: z.int(), to: z.int() }).nullable(),
  resultPaths: z.boolean(),
});
export type Offers = z.infer<typeof Offers>;

/** What a task asks for that an owner may refuse; absent when it asks for nothing of the kind. */
export interface Asks {
  /** Absent for None and Default, which every node has. */
  readonly network?: string;
  readonly capabilities?: readonly string[];
  /** Names of the machine's own variables. */
  readonly env?: readonly string[];
  /** It publishes ports; those that it names itself. */
  readonly ports?: readonly number[];
  readonly resultPaths?: true;
}

const OF_NODE = 'env:';

/** What the one task of a job asks for, or undefined. */
export function asksOf([task]: JobSpec['Tasks']): Asks | undefined {
  const { Type: network, Ports: ports = [] } = task.Network;
  const capabilities = capabilitiesOf(task.Engine.Params ?? {});
  const env = variablesOfNode(task.Env ?? {}).map(([, wanted]) => wanted);
  const asks: Asks = {
    ...(network !== 'None' && network !== 'Default' && { network }),
    ...(capabilities.length > 0 && { capabilities }),
    ...(env.length > 0 && { env: [...new Set(env)].sort() }),
    ...(ports.length > 0 && { ports: ports.flatMap(({ Static: port = 0 }) => (port === 0 ? [] : [port])) }),
    ...((task.ResultPaths ?? []).length > 0 && { resultPaths: true as const }),
  };
  return Object.keys(asks).length === 0 ? undefined : asks;
}

/** The names of the node's variables that a task asks for, by the task's own name for them. */
export function variablesOfNode(env: Readonly<Record<string, string>>): [name: string, wanted: string][] {
  return Object.entries(env)
    .filter(([, value]) => value.startsWith(OF_NODE))
    .map(([name, value]) => [name, value.slice(OF_NODE.length)]);
}

/** Whether a name is covered by a pattern: a whole name, in which `*` stands for anything. */
export function matchesPattern(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === pattern;
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** Why a node with these offers would decline, or null. */
export function whyNotOffered(offers: Offers, asks: Asks): string | null {
  const { network, capabilities = [], env = [], ports } = asks;
  if (network !== undefined && !offers.networks.includes(network)) {
    const flag = network === 'Host' || network === 'Full' ? ' (its owner may allow it with --allow-host-network)' : '';
    return `does not offer network type ${network}${flag}`;
  }
  const capability = capabilities.find((name) => !offers.capabilities.includes(name));
  if (capability !== undefined) {
    return `does not give capability ${capability} (its owner may allow it with --allow-capability ${capability})`;
  }
  const variable = env.find((name) => !offers.env.some((pattern) => matchesPattern(name, pattern)));
  if (variable !== undefined) {
    return `does not give its variable ${variable} to tasks (its owner may allow it with --allow-env ${variable})`;
  }
  return whyNotPublished(offers.ports, ports) ?? (asks.resultPaths && !offers.resultPaths ? NO_RESULTS : null);
}

const NO_RESULTS = 'does not support result paths';

function whyNotPublished(range: Offers['ports'], ports: Asks['ports']): string | null {
  if (ports === undefined) return null;
  if (range === null) return 'does not publish ports (its owner may allow it with --ports)';
  const outside = ports.find((port) => port < range.from || port > range.to);
  return outside === undefined ? null : `publishes ports ${range.from} to ${range.to} only, not ${outside}`;
}

/** As the agent reads them; what cannot be read is left to the agent, which says what is wrong with it. */
function capabilitiesOf(params: Readonly<Record<string, unknown>>): string[] {
  const given = Object.entries(params).find(([key]) => key.toLowerCase() === 'capabilities')?.[1];
  if (!Array.isArray(given)) return [];
  const names = given.filter((name): name is string => typeof name === 'string');
  return [...new Set(names.map((name) => name.toUpperCase().replace(/^CAP_/, '')))].sort();
}
