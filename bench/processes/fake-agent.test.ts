import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { closeCodes } from '../../schema/protocol/version.ts';
import { decodeFrame } from '../../schema/protocol/frames.ts';
import { fromAgent, type FromAgent } from '../../schema/protocol/from-agent.ts';
import { FakeAgent, type Behaviour } from './fake-agent.ts';
import { ack, cancelled, completed, hello, reject, spokenVersions } from './wire.ts';
import type { ExecutionId } from '../../schema/ids.ts';

const EXECUTION = `e-${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}` as ExecutionId;
const plan = { nodeId: 'n-1' };
const run = { type: 'run', executionId: EXECUTION, jobId: 'j-1', task: { Network: { Type: 'Host' } } };
const closings: (() => void)[] = [];

afterEach(() => {
  for (const close of closings.splice(0)) close();
});

/** A scheduler that welcomes one protocol version at most, and then says what it is told to. */
async function scheduler(welcomed: number) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  const frames: FromAgent[] = [];
  let [peer, heard]: [WebSocket | null, () => void] = [null, () => {}];
  server.on('connection', (socket) => {
    peer = socket;
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as FromAgent;
      frames.push(frame);
      if (frame.type === 'hello' && frame.protocol > welcomed) socket.close(closeCodes.unsupportedVersion, 'too new');
      else if (frame.type === 'hello') socket.send(JSON.stringify({ type: 'welcome', protocol: welcomed }));
      heard();
    });
  });
  await once(server, 'listening');
  closings.push(
    () => server.close(),
    () => peer?.terminate(),
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    frames,
    send: (frame: unknown) => peer?.send(JSON.stringify(frame)),
    drop: () => peer?.terminate(),
    async hears(count: number) {
      while (frames.length < count) await new Promise<void>((resolve) => (heard = resolve));
      return frames.slice(0, count).map(({ type }) => type);
    },
  };
}

function agent(url: string, behaviour: Partial<Behaviour> = {}, versions: readonly number[] = [2]) {
  const heard: { type: string; jobId: string | undefined }[] = [];
  const lost: string[] = [];
  const hears = {
    frame: ({ type }: { type: string }, jobId: string | undefined) => void heard.push({ type, jobId }),
    lost: (why: string) => void lost.push(why),
  };
  const made = new FakeAgent(
    url,
    plan,
    { behaviour: { ending: 'at once', declines: null, ...behaviour }, hears },
    versions,
  );
  closings.push(() => made.leave());
  return { agent: made, heard, lost };
}

test('it speaks the newest version that is served', async () => {
  const there = await scheduler(3);
  await agent(there.url, {}, [5, 4, 3, 2]).agent.join();
  expect(there.frames.map((frame) => (frame.type === 'hello' ? frame.protocol : 0))).toEqual([5, 4, 3]);
});

test('where no version is served it says so', async () => {
  const there = await scheduler(1);
  await expect(agent(there.url, {}, [3, 2]).agent.join()).rejects.toThrow('4004 too new');
});

test('a run that comes twice is heard twice, and answered by what became of it', async () => {
  const there = await scheduler(2);
  const { agent: node, heard } = agent(there.url);
  await node.join();
  there.send(run);
  await there.hears(3);
  there.send(run);
  expect(await there.hears(5)).toEqual(['hello', 'ack', 'report', 'ack', 'report']);
  expect(heard.filter(({ type }) => type === 'run')).toHaveLength(2);
  expect(there.frames[4]).toEqual(there.frames[2]);
});

test('an acknowledgement is about a job once', async () => {
  const there = await scheduler(2);
  const { agent: node, heard } = agent(there.url);
  await node.join();
  there.send(run);
  await there.hears(3);
  for (const type of ['ackReport', 'ackReport', 'stop']) there.send({ type, executionId: EXECUTION, seq: 1 });
  await there.hears(4);
  const acknowledged = heard.filter(({ type }) => type === 'ackReport');
  expect(acknowledged.map(({ jobId }) => jobId)).toEqual(['j-1', undefined]);
});

test('held tasks end when they are let go, declined ones are rejected', async () => {
  const there = await scheduler(2);
  const { agent: node } = agent(there.url, { ending: 'when let go' });
  await node.join();
  there.send(run);
  await there.hears(2);
  node.letGo();
  expect(await there.hears(3)).toEqual(['hello', 'ack', 'report']);
  const other = await scheduler(2);
  await agent(other.url, { declines: 'Host' }).agent.join();
  other.send(run);
  expect(await other.hears(2)).toEqual(['hello', 'reject']);
});

test('a broken connection is told, and dialled again with what is held', async () => {
  const there = await scheduler(2);
  const { agent: node, lost } = agent(there.url, { ending: 'when let go' });
  await node.join();
  there.send(run);
  await there.hears(2);
  there.drop();
  await there.hears(3);
  expect(lost).toHaveLength(1);
  expect(there.frames[2]).toMatchObject({ type: 'hello', holds: [{ executionId: EXECUTION, state: 'Running' }] });
});

test('what it says is what the protocol takes', () => {
  const said = [
    ...spokenVersions().map((version) => hello(plan, version, 'instance', [])),
    ack(EXECUTION),
    reject(EXECUTION),
    completed(EXECUTION),
    cancelled(EXECUTION),
  ];
  for (const frame of said) expect(decodeFrame(fromAgent, JSON.stringify(frame))).toEqual({ ok: true, frame });
});
