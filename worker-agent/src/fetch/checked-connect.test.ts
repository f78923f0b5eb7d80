import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AddressPolicy } from './addresses.ts';
import { checkedConnect } from './checked-connect.ts';

/** A server on loopback, which stands for the internet where its address is opened. */
async function listen(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const opened = new AddressPolicy(['127.0.0.1/32']);
const ignore = (): void => {};

describe('a connection on behalf of a task', () => {
  test('goes to the address that was checked, and the name is resolved once', async () => {
    const port = await listen();
    // At a second look the name would lead elsewhere.
    const answers = [['10.0.0.1', '127.0.0.1'], ['10.0.0.1']];
    const asked: string[] = [];
    const resolve = async (host: string): Promise<string[]> => {
      asked.push(host);
      return answers[asked.length - 1] ?? [];
    };
    const socket = await checkedConnect({ host: 'a.example', port }, opened, ignore, resolve);
    expect([socket.remoteAddress, asked]).toEqual(['127.0.0.1', ['a.example']]);
    socket.destroy();
  });

  test.for([
    ['a name that leads to the closed ranges', 'a.example', ['10.0.0.1', '::ffff:127.0.0.1']],
    ['an address of the machine', '127.0.0.1', []],
    ['an address in brackets', '[::1]', []],
  ] as const)('never goes to %s', async ([, host, found]) => {
    const port = await listen();
    const made: unknown[] = [];
    const connecting = checkedConnect(
      { host, port },
      new AddressPolicy([]),
      (one) => made.push(one),
      async () => found,
    );
    await expect(connecting).rejects.toMatchObject({ why: 'forbidden' });
    expect(made).toEqual([]);
  });

  test('to a name that nobody knows says so', async () => {
    const resolve = (): Promise<never> => Promise.reject(new Error('ENOTFOUND'));
    await expect(checkedConnect({ host: 'a.example', port: 1 }, opened, ignore, resolve)).rejects.toMatchObject({
      why: 'unresolved',
      message: 'a.example cannot be resolved: ENOTFOUND',
    });
  });
});
