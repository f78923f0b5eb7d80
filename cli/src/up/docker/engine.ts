import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../say.mjs';
import { aptGet, findProgram, hasApt, isRoot } from './apt.ts';
import { pingDocker } from './api.ts';
import { startDaemon, type OwnDaemon } from './daemon.ts';

export interface Engine {
  readonly dockerHost: string;
  /** Undefined: it was there before us and stays. */
  readonly own: OwnDaemon | undefined;
}

export type EngineSearch = { readonly engine: Engine } | { readonly engine: undefined; readonly reason: string };

/** @returns where engines usually listen */
export function usualHosts(env: Readonly<Record<string, string | undefined>>, home: string): string[] {
  const runtime = env['XDG_RUNTIME_DIR'];
  const sockets = [
    '/var/run/docker.sock',
    ...(runtime === undefined || runtime === '' ? [] : [join(runtime, 'docker.sock')]),
    join(home, '.docker', 'run', 'docker.sock'),
    join(home, '.docker', 'desktop', 'docker.sock'),
    join(home, '.rd', 'docker.sock'),
    join(home, '.colima', 'default', 'docker.sock'),
  ];
  return sockets.map((socket) => `unix://${socket}`);
}

/** An engine that runs already. */
async function findEngine(
  env: Readonly<Record<string, string | undefined>>,
  tell: (line: string) => void,
): Promise<string | undefined> {
  const given = env['DOCKER_HOST'];
  if (given !== undefined && given !== '') {
    const problem = await pingDocker(given);
    if (problem === undefined) return given;
    tell(`DOCKER_HOST=${given} does not answer (${problem}); looking elsewhere`);
  }
  for (const host of usualHosts(env, homedir())) {
    const problem = await pingDocker(host);
    if (problem === undefined) return host;
    if (problem !== 'there is no such socket' && problem !== 'nothing listens there') tell(`${host}: ${problem}`);
  }
  return undefined;
}

/** Finds a Docker engine or, as root on Debian and its kin, brings one up under the state folder. */
export async function ensureEngine(
  state: string,
  env: Readonly<Record<string, string | undefined>>,
  tell: (line: string) => void,
): Promise<EngineSearch> {
  const found = await findEngine(env, tell);
  if (found !== undefined) return { engine: { dockerHost: found, own: undefined } };
  if (process.platform !== 'linux') {
    return { engine: undefined, reason: 'no Docker engine answers; start Docker Desktop, or set DOCKER_HOST' };
  }
  if (!isRoot()) {
    return {
      engine: undefined,
      reason:
        'no Docker engine answers and only root can start one; install Docker (on Debian and Ubuntu: sudo apt-get install docker.io), or set DOCKER_HOST',
    };
  }
  if (findProgram('dockerd') === undefined) {
    const problem = await install(tell);
    if (problem !== undefined) return { engine: undefined, reason: problem };
    // Where services are started on installation, the system's own engine is up now.
    const system = await findEngine({}, () => {});
    if (system !== undefined) return { engine: { dockerHost: system, own: undefined } };
  }
  try {
    const own = await startDaemon(state);
    return { engine: { dockerHost: own.dockerHost, own } };
  } catch (error) {
    return { engine: undefined, reason: messageOf(error) };
  }
}

/** @returns why not */
async function install(tell: (line: string) => void): Promise<string | undefined> {
  if (!hasApt()) return 'no Docker engine answers and dockerd is not installed; install Docker, or set DOCKER_HOST';
  tell('no Docker engine here: installing docker.io with apt-get (SHOAL_DOCKER=off goes on without)');
  if (!(await aptGet(['update']))) tell('apt-get update failed; trying with the package lists that are there');
  if (!(await aptGet(['install', '-y', '--no-install-recommends', 'docker.io', 'iptables', 'ca-certificates']))) {
    return 'docker.io could not be installed with apt-get; install Docker, or set DOCKER_HOST';
  }
  return undefined;
}
