import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import type { NodeId } from '@shoal/schema/ids';
import { CLOSED_RANGES, isSingle } from '../../fetch/addresses.ts';

const TOOL_MS = 10_000;
const SBIN = '/usr/sbin:/sbin';

/** The names of one node's interfaces and chains; an interface's name has at most 15 characters. */
export interface FilterNames {
  /** Interface of the network that tasks of type Bridge share. */
  readonly bridge: string;
  /** What the interfaces of the networks of type HTTP begin with; six hexadecimal digits follow. */
  readonly httpPrefix: string;
  readonly bridgeChain: string;
  readonly httpChain: string;
}

export function filterNames(nodeId: NodeId): FilterNames {
  const hash = createHash('sha256').update(nodeId).digest('hex').slice(0, 8);
  return {
    bridge: `shb-${hash}`,
    httpPrefix: `h${hash}`,
    bridgeChain: `SHOAL-${hash}-B`,
    httpChain: `SHOAL-${hash}-H`,
  };
}

/**
 * Keeps what comes out of the node's own Docker networks away from this machine and from its owner's network, by rules in
 * the kernel that no task can change. They stand in `mangle PREROUTING`: there both forwarded and local packets pass, and
 * nothing that Docker or a firewall does later can let through what was dropped.
 */
export class EgressFilter {
  readonly names: FilterNames;
  readonly #opened: readonly string[];
  /** The rules as the kernel told them when they were set; null before that. Any difference means that they are lost. */
  #installed: string | null = null;
  /** The way to its proxy of each network of type HTTP, by its interface: they are set again with the rest. */
  readonly #admitted = new Map<string, readonly string[]>();
  readonly #onLost: () => void;
  #ensuring: Promise<void> | null = null;

  /**
   * @param opened ranges in CIDR notation that tasks may reach all the same
   * @param onLost is called when somebody else took rules away, before they are set again
   */
  constructor(nodeId: NodeId, opened: readonly string[], onLost: () => void = () => {}) {
    this.names = filterNames(nodeId);
    this.#opened = opened;
    this.#onLost = onLost;
  }

  /**
   * Sees whether this process may set rules, and whether those that it has set are still there: a firewall that is loaded
   * anew empties the tables under running tasks. @throws when it may not, or the tool is missing
   */
  async check(): Promise<void> {
    if (this.#installed === null) await run('iptables', ['-w', '-t', 'mangle', '-S', 'PREROUTING']);
    else await this.ensure();
  }

  /** Puts the rules in place, or sees that they still are. @throws when this process may not, or the tool is missing */
  async ensure(): Promise<void> {
    // Two at once would each find a rule missing and set it twice.
    this.#ensuring ??= this.#ensureNow().finally(() => (this.#ensuring = null));
    await this.#ensuring;
  }

  async #ensureNow(): Promise<void> {
    if (this.#installed !== null) {
      if (await this.#isInPlace(this.#installed)) return;
      this.#onLost();
    }
    await run('iptables-restore', ['-w', '--noflush'], this.#rules());
    const { bridge, httpPrefix, bridgeChain, httpChain } = this.names;
    await ensureFirst('iptables', ['-i', bridge, '-j', bridgeChain]);
    await ensureFirst('iptables', ['-i', `${httpPrefix}+`, '-j', httpChain]);
    // Docker gives these networks no IPv6; where the kernel has it, a task must not find another way to it.
    if (hasIpv6()) {
      for (const name of [bridge, `${httpPrefix}+`]) await ensureFirst('ip6tables', ['-i', name, '-j', 'DROP']);
    }
    const { fixed } = await this.#read();
    this.#installed = fixed;
  }

  /** Lets one network of type HTTP reach its proxy, and nothing else. */
  async admit(networkInterface: string, gateway: string, port: number): Promise<void> {
    const rule = proxyRule(networkInterface, gateway, port);
    this.#admitted.set(networkInterface, rule);
    // Rules that are being set again were written without this one.
    await this.#ensuring;
    const isThere = await tryRun('iptables', ['-w', '-t', 'mangle', '-C', this.names.httpChain, ...rule]);
    if (!isThere) await run('iptables', ['-w', '-t', 'mangle', '-I', this.names.httpChain, '1', ...rule]);
  }

  async dismiss(networkInterface: string): Promise<void> {
    const rule = this.#admitted.get(networkInterface);
    if (rule === undefined) return;
    this.#admitted.delete(networkInterface);
    await this.#ensuring?.catch(() => {});
    await tryRun('iptables', ['-w', '-t', 'mangle', '-D', this.names.httpChain, ...rule]);
  }

  /** Takes all rules away, also a former agent's. For when no container of the node is left. */
  async remove(): Promise<void> {
    this.#installed = null;
    this.#admitted.clear();
    const { bridge, httpPrefix, bridgeChain, httpChain } = this.names;
    const mangle = ['-w', '-t', 'mangle'];
    await tryRun('iptables', [...mangle, '-D', 'PREROUTING', '-i', bridge, '-j', bridgeChain]);
    await tryRun('iptables', [...mangle, '-D', 'PREROUTING', '-i', `${httpPrefix}+`, '-j', httpChain]);
    for (const chain of [bridgeChain, httpChain]) {
      await tryRun('iptables', [...mangle, '-F', chain]);
      await tryRun('iptables', [...mangle, '-X', chain]);
    }
    for (const name of [bridge, `${httpPrefix}+`]) {
      await tryRun('ip6tables', [...mangle, '-D', 'PREROUTING', '-i', name, '-j', 'DROP']);
    }
  }

  async #isInPlace(installed: string): Promise<boolean> {
    const { fixed, ways } = await this.#read();
    return fixed === installed && [...this.#admitted.keys()].every((name) => ways.has(name));
  }

  /** This node's rules: those that are always there as one text, and the interfaces that have a way to their proxy. */
  async #read(): Promise<{ fixed: string; ways: ReadonlySet<string> }> {
    const own = Object.values(this.names);
    const tools = hasIpv6() ? ['iptables', 'ip6tables'] : ['iptables'];
    const said = await Promise.all(tools.map((tool) => run(tool, ['-w', '-t', 'mangle', '-S'])));
    const lines = said.flatMap((text) => text.split('\n')).filter((line) => own.some((name) => line.includes(name)));
    const ways = new Set<string>();
    const fixed = lines.filter((line) => {
      const way = / -i (\S+) .*-j RETURN$/.exec(line)?.[1];
      if (way !== undefined) ways.add(way);
      return way === undefined;
    });
    return { fixed: fixed.join('\n'), ways };
  }

  /** Naming a chain empties it: the whole text takes effect at once, without a moment in which a packet gets through. */
  #rules(): string {
    const { bridgeChain, httpChain } = this.names;
    const opened = this.#opened.filter((range) => isIPv4(range.split('/')[0] ?? ''));
    return [
      '*mangle',
      `:${bridgeChain} - [0:0]`,
      `:${httpChain} - [0:0]`,
      // Answers to those who reached a task through a port that it published.
      `-A ${bridgeChain} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN`,
      // A range does not open the machine itself, which is part of its network; its address alone does.
      ...opened.filter(isSingle).map((range) => `-A ${bridgeChain} -d ${range} -j RETURN`),
      `-A ${bridgeChain} -m addrtype --dst-type LOCAL -j DROP`,
      ...opened.filter((range) => !isSingle(range)).map((range) => `-A ${bridgeChain} -d ${range} -j RETURN`),
      ...CLOSED_RANGES.map((range) => `-A ${bridgeChain} -d ${range} -j DROP`),
      ...[...this.#admitted.values()].map((rule) => `-A ${httpChain} ${rule.join(' ')}`),
      `-A ${httpChain} -j DROP`,
      'COMMIT',
      '',
    ].join('\n');
  }
}

function hasIpv6(): boolean {
  return existsSync('/proc/net/if_inet6');
}

function proxyRule(networkInterface: string, gateway: string, port: number): string[] {
  return ['-i', networkInterface, '-d', gateway, '-p', 'tcp', '--dport', String(port), '-j', 'RETURN'];
}

async function ensureFirst(tool: string, rule: readonly string[]): Promise<void> {
  if (await tryRun(tool, ['-w', '-t', 'mangle', '-C', 'PREROUTING', ...rule])) return;
  await run(tool, ['-w', '-t', 'mangle', '-I', 'PREROUTING', '1', ...rule]);
}

async function tryRun(tool: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(tool, args);
    return true;
  } catch {
    return false;
  }
}

/** @returns what the tool printed */
function run(tool: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:${SBIN}` };
    const child = execFile(tool, [...args], { timeout: TOOL_MS, env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${tool}: ${stderr.trim() || error.message}`, { cause: error }));
    });
    // A tool that is missing or ends early is told by its exit, not by this pipe.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
