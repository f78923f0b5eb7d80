import { request } from 'node:http';

/** A Docker Engine, as DOCKER_HOST spells it: `unix:///path` or `tcp://host:port`. */
export type Address = { readonly socketPath: string } | { readonly host: string; readonly port: number };

export interface Call {
  readonly method?: string;
  readonly body?: Buffer;
  readonly timeoutMs: number;
}

/** @returns undefined: a kind that is not spoken here (ssh, TLS) */
export function addressOf(dockerHost: string): Address | undefined {
  if (dockerHost.startsWith('unix://')) return { socketPath: dockerHost.slice('unix://'.length) };
  const tcp = /^(?:tcp|http):\/\/([^:/]+)(?::(\d+))?\/?$/.exec(dockerHost);
  if (tcp?.[1] === undefined) return undefined;
  return { host: tcp[1], port: Number(tcp[2] ?? 2375) };
}

/** One request to the Engine API; the answer is read to its end. */
export function callDocker(
  address: Address,
  path: string,
  { method = 'GET', body, timeoutMs }: Call,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/x-tar', 'content-length': body.length };
    const signal = AbortSignal.timeout(timeoutMs);
    const req = request({ ...address, path, method, headers, signal, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
    });
    req.on('error', (error) => reject(signal.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`) : error));
    req.end(body);
  });
}

/**
 * Whether an engine answers there.
 * @returns why not, or undefined when it does
 */
export async function pingDocker(dockerHost: string): Promise<string | undefined> {
  const address = addressOf(dockerHost);
  if (address === undefined) return 'only unix:// and tcp:// are supported';
  try {
    const { status } = await callDocker(address, '/_ping', { timeoutMs: 3_000 });
    return status === 200 ? undefined : `it answered ${status}`;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT') return 'there is no such socket';
    if (code === 'EACCES') return 'this user may not use it (is the user in the group docker?)';
    if (code === 'ECONNREFUSED') return 'nothing listens there';
    return error instanceof Error ? error.message : String(error);
  }
}
