import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const ESTABLISHED = '01';
const LISTEN = '0A';

interface TcpSocket {
  readonly state: string;
  readonly localPort: number;
  readonly remotePort: number;
}

/** The TCP ports at which a process listens. Linux only. */
export function listeningPorts(pid: number): number[] {
  return socketsOf(pid)
    .filter(({ state }) => state === LISTEN)
    .map(({ localPort }) => localPort);
}

/** How many connections a process has to a port. Linux only. */
export function connectionsTo(pid: number, port: number): number {
  return socketsOf(pid).filter(({ state, remotePort }) => state === ESTABLISHED && remotePort === port).length;
}

function socketsOf(pid: number): TcpSocket[] {
  const folder = `/proc/${pid}/fd`;
  const inodes = new Set(
    readdirSync(folder).map((name) => /^socket:\[(\d+)\]$/.exec(target(`${folder}/${name}`))?.[1]),
  );
  const rows = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8').trim().split('\n').slice(1),
  );
  const portOf = (address = ''): number => Number.parseInt(address.split(':')[1] ?? '', 16);
  return rows.flatMap((row) => {
    const [, local, remote, state = '', , , , , , inode] = row.trim().split(/\s+/);
    return inodes.has(inode) ? [{ state, localPort: portOf(local), remotePort: portOf(remote) }] : [];
  });
}

/** Empty for one that was closed in between. */
function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
