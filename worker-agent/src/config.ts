import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { NodeId } from '@shoal/schema/ids';
import type { Resources } from '@shoal/schema/job/job';
import type { Policy } from './executions/admission.ts';
import { DEFAULT_DNS } from './engines/docker/docker.ts';
import { isSecretVariable } from './executions/environment.ts';
import { DEFAULT_LOG_BUDGET } from './logs/shelf.ts';
import type { Share, Shares } from './machine/capacity.ts';
import { logLevels, type LogLevel } from './machine/log.ts';
import { isRange } from './fetch/addresses.ts';
import { DEFAULT_PORT_RANGE, type PortRange } from './engines/docker/port-plan.ts';

export interface Config {
  readonly url: URL;
  /** Never logged. */
  readonly token: string | null;
  readonly stateDir: string;
  /** Null: the one that the state folder keeps. */
  readonly nodeId: NodeId | null;
  /** Null: the node id. */
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly dockerHost: string | null;
  readonly shares: Shares;
  readonly policy: Policy;
  readonly docker: {
    readonly portRange: PortRange;
    readonly openRanges: readonly string[];
    readonly dns: readonly string[];
    readonly capabilities: readonly string[];
  };
  /** What logs of tasks may take on the disk, in bytes. */
  readonly logBudget: number;
  readonly logLevel: LogLevel;
}

export type Parsed =
  | { readonly type: 'run'; readonly config: Config }
  | { readonly type: 'help' }
  | { readonly type: 'version' };

/** A setting that cannot be used: names it, what was given and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const DEFAULT_URL = 'http://127.0.0.1:1234';

export const HELP = `shoal-agent: runs tasks of a Shoal orchestrator in Docker on this machine.

Usage: shoal-agent [options]

  --url <url>            the orchestrator, http(s) or ws(s); SHOAL_URL; default ${DEFAULT_URL}
  --state <folder>       where the node id and the journal are kept; SHOAL_AGENT_STATE;
                         default ~/.shoal-agent
  --node-id <id>         this node's id; SHOAL_NODE_ID; else one is made up and kept
  --name <text>          the label "name"; default the node id
  --label <key=value>    a label to place jobs by; may be given again
  --cpu <share>          what tasks may use: cores (1.5, 500m) or a part of the machine
  --memory <share>       (60%); bytes for memory and disk (8gb, 512mib).
  --disk <share>         Default 80% of each.
  --log-budget <bytes>   what logs of tasks may take on the disk (2gb); default 10gib
  --allow-host-network   tasks may use network type Host
  --unfiltered-bridge    network type Bridge reaches this machine and its network; without it that
                         is filtered, which takes Linux, iptables and root
  --open-range <cidr>    a range of this machine's network that filtered tasks may reach; again
  --dns <address>        a name server of filtered tasks; again; default ${DEFAULT_DNS.join(', ')}
  --ports <from-to>      where tasks get ports that they publish, also those that they name, or
                         "none"; default ${DEFAULT_PORT_RANGE.from}-${DEFAULT_PORT_RANGE.to}, and named ones anywhere
  --allow-env <name>     a variable of this machine that tasks may have as env:NAME; * for
                         anything but the agent's own secrets; again
  --allow-capability <n> a Linux capability that tasks may ask for; again
  --help, --version

  SHOAL_NODE_TOKEN       the node token, for an orchestrator that asks for one
  DOCKER_HOST            where Docker listens; default its usual sockets
  SHOAL_LOG_LEVEL        ${logLevels.join(', ')}; default info

SIGTERM or Ctrl-C stops the tasks, reports them as "agent stopped" (they are placed again and lose
no attempt), removes their containers and ends within about ten seconds; a second one ends at once.
After a crash or SIGKILL the tasks run on, and the next start with the same state folder takes them up.
`;

/**
 * Reads the command line and the environment; the command line goes first.
 * @throws ConfigError
 */
export function parseConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Parsed {
  const values = readArgs(args);
  if (values.help === true) return { type: 'help' };
  if (values.version === true) return { type: 'version' };
  const config: Config = {
    url: parseUrl(...pick('--url', values.url, 'SHOAL_URL', env['SHOAL_URL'])),
    token: env['SHOAL_NODE_TOKEN'] || null,
    stateDir: parseState(values.state, env['SHOAL_AGENT_STATE']),
    nodeId: parseNodeId(...pick('--node-id', values['node-id'], 'SHOAL_NODE_ID', env['SHOAL_NODE_ID'])),
    name: values.name ?? null,
    labels: parseLabels(values.label ?? []),
    dockerHost: env['DOCKER_HOST'] || null,
    shares: {
      cpu: parseShare('--cpu', values.cpu, parseCores),
      memory: parseShare('--memory', values.memory, parseBytes),
      disk: parseShare('--disk', values.disk, parseBytes),
    },
    policy: {
      allowHostNetwork: values['allow-host-network'] ?? false,
      unfilteredBridge: values['unfiltered-bridge'] ?? false,
      ports: values.ports !== 'none',
      ...(values.ports !== undefined && values.ports !== 'none' && { portRange: parsePorts(values.ports) }),
      envPatterns: (values['allow-env'] ?? []).map(parseEnvPattern),
    },
    docker: {
      portRange: parsePorts(values.ports),
      openRanges: (values['open-range'] ?? []).map(parseRange),
      capabilities: (values['allow-capability'] ?? []).map(parseCapability),
      dns: values.dns === undefined ? DEFAULT_DNS : values.dns.map(parseAddress),
    },
    logBudget: parseBudget(values['log-budget']),
    logLevel: parseLevel(env['SHOAL_LOG_LEVEL']),
  };
  return { type: 'run', config };
}

/**
 * Refuses amounts that the machine does not have: its tasks would be placed here and fail one after the other. A Docker on
 * another machine has its own measure.
 * @throws ConfigError
 */
export function checkShares({ shares, dockerHost }: Config, whole: Omit<Resources, 'gpu'>): void {
  if (dockerHost !== null && !dockerHost.startsWith('unix://')) return;
  for (const part of ['cpu', 'memory', 'disk'] as const) {
    const share = shares[part];
    if (!('amount' in share) || share.amount <= whole[part]) continue;
    const unit = part === 'cpu' ? 'cores' : 'bytes';
    throw bad(`--${part}`, `${share.amount} ${unit}`, `at most the ${whole[part]} ${unit} that this machine has`);
  }
}

function readArgs(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const list = { type: 'string', multiple: true } as const;
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        url: text,
        state: text,
        'node-id': text,
        name: text,
        label: list,
        cpu: text,
        memory: text,
        disk: text,
        'allow-host-network': flag,
        'unfiltered-bridge': flag,
        'open-range': list,
        dns: list,
        ports: text,
        'log-budget': text,
        'allow-env': list,
        'allow-capability': list,
        help: { type: 'boolean', short: 'h' },
        version: flag,
      },
    }).values;
  } catch (error) {
    // Node's texts name the option and go on with advice on stray arguments.
    const said = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
    throw new ConfigError(`${said}; \`shoal-agent --help\` lists what is allowed`, { cause: error });
  }
}

function pick(
  option: string,
  given: string | undefined,
  variable: string,
  inherited: string | undefined,
): [source: string, value: string | undefined] {
  return given === undefined ? [variable, inherited || undefined] : [option, given];
}

function bad(source: string, given: string, allowed: string): ConfigError {
  return new ConfigError(`${source}: ${JSON.stringify(given)} is not allowed; it must be ${allowed}`);
}

function parseUrl(source: string, value: string = DEFAULT_URL): URL {
  const allowed = `an http, https, ws or wss URL without credentials, such as ${DEFAULT_URL}`;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol)) throw bad(source, value, allowed);
  // A password in an address ends up in logs, so it is not repeated here either.
  if (url.username !== '' || url.password !== '') {
    throw new ConfigError(`${source}: credentials in the URL are not allowed; put the token into SHOAL_NODE_TOKEN`);
  }
  return url;
}

/** An empty option would put the state wherever the agent was started. */
function parseState(value: string | undefined, inherited: string | undefined): string {
  if (value?.trim() === '') throw bad('--state', value, 'the path of a folder');
  return resolve(value ?? (inherited || join(homedir(), '.shoal-agent')));
}

function parseNodeId(source: string, value: string | undefined): NodeId | null {
  if (value === undefined) return null;
  const read = NodeId.safeParse(value);
  if (!read.success) throw bad(source, value, '1 to 128 letters, digits, _ or -');
  return read.data;
}

/** Labels that the agent sets itself, and where they come from. */
const ownLabels: ReadonlyMap<string, string> = new Map([
  ['name', 'the label "name" is set with --name'],
  ['os_type', 'the label "os_type" is what the machine runs'],
  ['os_arch', 'the label "os_arch" is what the machine is'],
]);

function parseLabels(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((one): [string, string] => {
      const cut = one.indexOf('=');
      const [key, value] = [one.slice(0, cut), one.slice(cut + 1)];
      if (!/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,318}[A-Za-z0-9])?$/.test(key) || cut < 0 || value.length > 1024) {
        const allowed =
          'key=value, the key of letters, digits, ".", "_", "/" and "-", the value at most 1024 characters';
        throw bad('--label', one, allowed);
      }
      const own = ownLabels.get(key);
      if (own !== undefined) throw bad('--label', one, `another key: ${own}`);
      return [key, value];
    }),
  );
}

function parseShare(option: string, value: string | undefined, parseAmount: (text: string) => number | null): Share {
  if (value === undefined) return { percent: 80 };
  const text = value.trim().toLowerCase();
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100) return { percent: Number(percent) };
  const amount = percent === undefined ? parseAmount(text) : null;
  if (amount !== null && amount > 0) return { amount };
  const example = option === '--cpu' ? '1.5 or 500m' : '8gb or 512mib';
  throw bad(option, value, `an amount above 0 such as ${example}, or a part of the machine from 1% to 100%`);
}

function parseCores(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(text);
  if (match === null) return null;
  return Number(match[1]) / (match[2] === 'm' ? 1000 : 1);
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

function parseBytes(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?$/.exec(text);
  const unit = UNITS[match?.[2] ?? '?'];
  return match === null || unit === undefined ? null : Math.floor(Number(match[1]) * unit);
}

function parseBudget(value: string | undefined): number {
  if (value === undefined) return DEFAULT_LOG_BUDGET;
  const bytes = parseBytes(value.trim().toLowerCase());
  if (bytes !== null && bytes > 0) return bytes;
  throw bad('--log-budget', value, 'an amount above 0 such as 2gb');
}

const MIN_PORT = 1024;
const MAX_PORT = 65_535;

function parsePorts(value: string | undefined): PortRange {
  if (value === undefined || value === 'none') return DEFAULT_PORT_RANGE;
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(value) ?? [];
  const range = { from: Number(from), to: Number(to) };
  if (range.from >= MIN_PORT && range.from <= range.to && range.to <= MAX_PORT) return range;
  throw bad('--ports', value, `"none" or a range such as 20000-32000, from ${MIN_PORT} to ${MAX_PORT}`);
}

function parseRange(value: string): string {
  if (isRange(value)) return value;
  throw bad('--open-range', value, 'a range such as 192.168.7.0/24');
}

function parseAddress(value: string): string {
  if (isIP(value) !== 0) return value;
  throw bad('--dns', value, 'an IP address');
}

function parseEnvPattern(value: string): string {
  if (!isSecretVariable(value)) return value;
  throw bad('--allow-env', value, "the name of another variable: the agent's own secrets are never given to tasks");
}

function parseCapability(value: string): string {
  const name = value.toUpperCase().replace(/^CAP_/, '');
  if (/^[A-Z_]{2,32}$/.test(name) && name !== 'ALL') return name;
  throw bad('--allow-capability', value, 'the name of one capability, such as NET_BIND_SERVICE');
}

function parseLevel(value: string | undefined): LogLevel {
  if (value === undefined || value === '') return 'info';
  const level = logLevels.find((one) => one === value);
  if (level === undefined) throw bad('SHOAL_LOG_LEVEL', value, `one of ${logLevels.join(', ')}`);
  return level;
}
