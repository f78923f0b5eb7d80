import { Agent } from 'node:http';
import { homedir } from 'node:os';
import Docker from 'dockerode';
import { errorText } from '../../ports.ts';

export type FoundDocker =
  | { readonly ok: true; readonly options: Docker.DockerOptions; readonly description: string }
  | { readonly ok: false; readonly error: string; readonly hint: string };

const PROBE_MS = 5_000;

/** Where Docker's socket is when nobody says: the system's, Docker Desktop's, a rootless daemon's. */
function usualSockets(): string[] {
  const uid = process.getuid?.();
  return [
    '/var/run/docker.sock',
    `${homedir()}/.docker/run/docker.sock`,
    ...(uid === undefined ? [] : [`/run/user/${uid}/docker.sock`]),
  ];
}

/**
 * Asks the engine at `DOCKER_HOST`, or at the usual sockets, whether it answers. Never rejects.
 * @param dockerHost `unix:///path`, `tcp://host:port`, `ssh://...`; null for the usual sockets
 */
export async function findDocker(dockerHost: string | null): Promise<FoundDocker> {
  const candidates: { name: string; options: Docker.DockerOptions }[] =
    dockerHost === null
      ? usualSockets().map((socketPath) => ({ name: `unix://${socketPath}`, options: { socketPath } }))
      : [{ name: dockerHost, options: optionsOf(dockerHost) }];
  const tried: string[] = [];
  for (const { name, options } of candidates) {
    try {
      return { ok: true, options, description: `Docker ${await versionOf(options)} at ${name}` };
    } catch (error) {
      tried.push(`${name}: ${errorText(error)}`);
    }
  }
  const hint =
    dockerHost === null
      ? 'Install and start Docker, let this user use its socket, or set DOCKER_HOST.'
      : 'Check DOCKER_HOST and that its daemon runs.';
  return { ok: false, error: `no Docker answers (${tried.join('; ')})`, hint };
}

/** dockerode reads `DOCKER_HOST` by itself, with its TLS settings; only sockets are told apart here. */
function optionsOf(dockerHost: string): Docker.DockerOptions {
  return dockerHost.startsWith('unix://') ? { socketPath: dockerHost.slice('unix://'.length) } : {};
}

async function versionOf(options: Docker.DockerOptions): Promise<string> {
  // A daemon that is going down still answers on connections that it has: only a new one tells.
  const fresh = options.socketPath === undefined ? {} : { agent: new Agent({ keepAlive: false }) };
  const { Version } = await new Docker({ ...options, ...fresh, timeout: PROBE_MS }).version();
  return Version;
}
