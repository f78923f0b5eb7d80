import { z } from 'zod';
import { MAX_AMOUNT_CHARS, MAX_DOMAIN_CHARS } from '../limits.ts';
import { shown } from '../problems.ts';
import { readNetworkType, type NetworkInput, type PortInput } from './input.ts';
import type { NetworkType } from './job.ts';

const HOST_TYPES: ReadonlySet<NetworkType> = new Set(['Host', 'Full']);
const PORT_TYPES: ReadonlySet<NetworkType> = new Set(['Host', 'Full', 'Bridge']);
const MAX_PORT_NAME_CHARS = 237;
const FIRST_STATIC_PORT = 1024;
const LAST_PORT = 65_535;
/** Something in the text looks like a host name: labels joined by dots, the last of letters. */
const DOMAIN = /([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?\.)+[a-zA-Z]{2,}/;

/** What is wrong with a task's network, one message a problem. @see Bacalhau pkg/models/network.go */
export function validateNetwork(network: NetworkInput): string[] {
  const type = readNetworkType(network.Type ?? 'Default') ?? 'Default';
  const problems: string[] = [];
  const domains = network.Domains ?? [];
  if (domains.length > 0 && type !== 'HTTP') problems.push('domains can only be set for HTTP network mode');
  for (const domain of domains) {
    if (!isDomain(domain)) problems.push(`invalid domain "${shown(domain)}"`);
  }
  const ports = network.Ports ?? [];
  if (ports.length > 0 && !PORT_TYPES.has(type)) {
    problems.push('ports can only be set for Host or Bridge network modes');
    return problems;
  }
  for (const port of ports) problems.push(...validatePort(port, type));
  problems.push(...duplicatePorts(ports, type));
  return problems;
}

function validatePort(port: PortInput, type: NetworkType): string[] {
  const problems: string[] = [];
  const { Name: name = '', Static: fixed = 0, Target: target = 0, HostNetwork: host = '' } = port;
  if (name === '') problems.push('port name is required');
  else if (name.length > MAX_PORT_NAME_CHARS)
    problems.push(`port name is longer than ${MAX_PORT_NAME_CHARS} characters`);
  else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    problems.push(`port name '${shown(name)}' must start with a letter or _ and hold only letters, digits and _`);
  }
  if (fixed !== 0 && (fixed < FIRST_STATIC_PORT || fixed > LAST_PORT)) {
    problems.push(`static port ${fixed} must be between ${FIRST_STATIC_PORT} and ${LAST_PORT}`);
  }
  if (target < 0 || target > LAST_PORT) problems.push(`target port ${target} must be between 0 and ${LAST_PORT}`);
  else if (target !== 0 && HOST_TYPES.has(type)) problems.push('target port cannot be set for Host network mode');
  if (host !== '' && !isIp(host)) problems.push(`host network "${shown(host)}" is not an IP address`);
  return problems;
}

function duplicatePorts(ports: readonly PortInput[], type: NetworkType): string[] {
  const seen = new Set<string>();
  const problems: string[] = [];
  const once = (kind: string, value: string | number | undefined): void => {
    if (value === undefined || value === '' || value === 0) return;
    if (seen.has(`${kind} ${value}`)) problems.push(`duplicate ${kind} '${shown(String(value))}'`);
    seen.add(`${kind} ${value}`);
  };
  for (const port of ports) {
    once('port name', port.Name);
    once('static port', port.Static);
    if (type === 'Bridge') once('target port', port.Target);
  }
  return problems;
}

/** The length comes first: on a long text the search for a name takes as long as its square. */
function isDomain(text: string): boolean {
  const name = text.trim();
  return name.length <= MAX_DOMAIN_CHARS && (DOMAIN.test(name) || isIp(name));
}

const Ip = z.union([z.ipv4(), z.ipv6()]);

/** An IPv4 or IPv6 address as text, without zone. */
function isIp(text: string): boolean {
  return text.length <= MAX_AMOUNT_CHARS && Ip.safeParse(text).success;
}
