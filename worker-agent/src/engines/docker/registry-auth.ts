import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** As Docker's API takes it. Never logged. */
export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}

const DOCKER_HUB = 'docker.io';
/** Under which names `docker login` keeps the credentials of Docker Hub. */
const hubKeys = ['https://index.docker.io/v1/', 'index.docker.io', DOCKER_HUB, 'registry-1.docker.io'];

const DockerConfig = z.object({ auths: z.record(z.string(), z.object({ auth: z.string().optional() })).optional() });

/** Where an image comes from: `docker.io` when its name begins with no host. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  return isHost ? first : DOCKER_HUB;
}

/**
 * The owner's credentials for an image's registry: DOCKER_USERNAME and DOCKER_PASSWORD, which are for DOCKER_REGISTRY
 * (Docker Hub when it is not set), else what `docker login` kept. A registry gets its own credentials and never another's,
 * since a task may name any registry.
 */
export async function registryAuth(
  image: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<RegistryAuth | null> {
  const registry = registryOf(image);
  const { DOCKER_USERNAME: username = '', DOCKER_PASSWORD: password = '' } = env;
  if (username !== '' && password !== '' && registry === (env['DOCKER_REGISTRY'] || DOCKER_HUB)) {
    return { username, password, serveraddress: registry };
  }
  const folder = env['DOCKER_CONFIG'] || join(homedir(), '.docker');
  return fromDockerConfig(registry, join(folder, 'config.json'));
}

async function fromDockerConfig(registry: string, path: string): Promise<RegistryAuth | null> {
  const text = await readFile(path, 'utf8').catch(() => '{}');
  try {
    const { auths = {} } = DockerConfig.parse(JSON.parse(text));
    const keys = registry === DOCKER_HUB ? hubKeys : [registry, `https://${registry}`, `https://${registry}/`];
    const auth = keys.map((key) => auths[key]?.auth).find((one) => one !== undefined && one !== '');
    if (auth === undefined) return null;
    const decoded = Buffer.from(auth, 'base64').toString('utf8');
    const cut = decoded.indexOf(':');
    return cut < 1
      ? null
      : { username: decoded.slice(0, cut), password: decoded.slice(cut + 1), serveraddress: registry };
  } catch {
    return null;
  }
}
