import { Agent, request } from 'node:http';

/** One way to take an installation's time away. A new one is an entry of the list in `attacks.ts`. */
export interface Attack {
  readonly name: string;
  /** How the installation is started: `closed` asks for credentials, which attackers do not have. */
  readonly mode: 'open' | 'closed';
  /** Makes what one of the attackers does over and over; called in each attacker's process. */
  readonly arm: (target: Target) => Strike | Promise<Strike>;
}

/** One blow, which ends when it was answered. The number counts those of one attacker; the answer is a word for the table. */
export type Strike = (count: number) => Promise<string>;

/** What an attacker knows. */
export interface Target {
  readonly port: number;
  /** Which of the attackers it is, from 0. */
  readonly attacker: number;
}

export interface Blow {
  readonly method: string;
  readonly path: string;
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

const agent = new Agent({ keepAlive: true });

/** Sends one request and reads all of its answer, of which the status is told. */
export function send({ port }: Pick<Target, 'port'>, { method, path, body, headers = {} }: Blow): Promise<string> {
  return new Promise((resolve) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
    const options = { host: '127.0.0.1', port, method, path, agent, headers: { ...type, ...headers } };
    const req = request(options, (res) => {
      res.on('error', () => resolve('broken'));
      res.on('end', () => resolve(String(res.statusCode)));
      res.resume();
    });
    req.on('error', () => resolve('broken'));
    req.end(body);
  });
}
