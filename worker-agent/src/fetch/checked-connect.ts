import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { errorText } from '../ports.ts';
import type { AddressPolicy } from './addresses.ts';

const CONNECT_MS = 15_000;

/** Why a host was not connected to. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly why: 'forbidden' | 'unresolved' | 'silent';

  constructor(why: ConnectError['why'], message: string) {
    super(message);
    this.why = why;
  }
}

/** How names are resolved: all addresses of one. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/**
 * Connects to a host on behalf of a task. Its name is resolved once, and the connection goes to an address that was checked:
 * a name that leads somewhere else at a second look leads nowhere.
 * @param host a name or an address, IPv6 perhaps in brackets
 * @param onSocket is handed the socket before it is connected
 * @throws ConnectError, or the socket's own error
 */
export async function checkedConnect(
  { host, port }: { readonly host: string; readonly port: number },
  addresses: AddressPolicy,
  onSocket: (socket: Socket) => void,
  resolve: Resolve = resolveHost,
): Promise<Socket> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const found = isIP(bare) === 0 ? await resolveNamed(host, bare, resolve) : [bare];
  const address = found.find((one) => addresses.allows(one));
  if (address === undefined) throw new ConnectError('forbidden', `${host} is an address that tasks may not reach`);
  return new Promise((done, reject) => {
    // Each direction ends by itself: what is still on its way in the other one is not lost.
    const socket = connect({ host: address, port, allowHalfOpen: true });
    onSocket(socket);
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new ConnectError('silent', `${host} does not answer`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      done(socket);
    });
  });
}

async function resolveHost(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

async function resolveNamed(host: string, bare: string, resolve: Resolve): Promise<readonly string[]> {
  try {
    return await resolve(bare);
  } catch (error) {
    throw new ConnectError('unresolved', `${host} cannot be resolved: ${errorText(error)}`);
  }
}
