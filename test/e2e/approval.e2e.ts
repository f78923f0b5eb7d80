import { afterAll, beforeAll, expect, test } from 'vitest';
import { addressOf, callDocker } from '../../cli/src/up/docker/api.ts';
import { dockerJob } from '../harness/api.ts';
import { Stack, dockerHost, eventually } from '../harness/stack.ts';

const NODES = '/api/v1/orchestrator/nodes';

let stack: Stack;
beforeAll(
  async () => void (stack = await Stack.start({ vars: { SHOAL_MODE: 'open', SHOAL_NODE_APPROVAL: 'manual' } })),
);
afterAll(() => stack.stop());

async function containers(): Promise<string> {
  const address = addressOf(dockerHost());
  if (address === undefined) throw new Error(`cannot speak to ${dockerHost()}`);
  return (await callDocker(address, '/containers/json', { timeoutMs: 5_000 })).body;
}

async function change(nodeId: string, action: string): Promise<void> {
  const { status, body } = await stack.api.call('PUT', `${NODES}/${nodeId}`, { Action: action });
  expect([status, body]).toEqual([200, { Success: true }]);
}

async function nodeOf(nodeId: string) {
  return (await stack.api.get(`/nodes/${nodeId}`)).body.Node;
}

const sleeper = dockerJob(['sleep', '300']);

test('approving a node starts what waits for it in the same turn, rejecting it stops its tasks, and both again', async () => {
  const [nodeId = ''] = await stack.api.connectedNodes(1);
  expect((await nodeOf(nodeId)).Membership).toBe('PENDING');
  const waiting = await stack.api.submit(sleeper);
  const short = await stack.api.submit(dockerJob(['echo', 'at last']));
  const everywhere = await stack.api.submit(dockerJob(['sleep', '300'], { Type: 'daemon', Count: undefined }));
  const all = [waiting, short, everywhere];
  for (const id of all) await stack.api.waitForJob(id, 'Queued');

  await change(nodeId, 'approve');
  // The answer comes after the commit, so what the approval started is there when it arrives.
  const started = await Promise.all(all.map((id) => stack.api.executions(id)));
  expect(started.map((executions) => executions.map(({ NodeID }) => NodeID))).toEqual([[nodeId], [nodeId], [nodeId]]);
  await stack.api.waitForJob(short, 'Completed');
  await stack.api.waitForJob(waiting, 'Running');
  await stack.api.waitForJob(everywhere, 'Running');
  const names = [started[0], started[2]].map((executions) => `/${executions?.[0]?.ID}`);
  const run = async () => {
    const there = await containers();
    return names.every((name) => there.includes(name)) ? true : undefined;
  };
  await eventually(run, 60_000, 'both containers');

  await change(nodeId, 'reject');
  const areGone = async () => {
    const left = await containers();
    return names.some((name) => left.includes(name)) ? undefined : true;
  };
  await eventually(areGone, 60_000, 'the containers of a rejected node gone');
  for (const id of [waiting, everywhere]) await stack.api.waitForJob(id, 'Queued');
  expect(await nodeOf(nodeId)).toMatchObject({ Membership: 'REJECTED', Connection: 'DISCONNECTED' });

  const { ConnectedSince } = (await nodeOf(nodeId)).ConnectionState;
  await change(nodeId, 'approve');
  const again = await Promise.all([waiting, everywhere].map((id) => stack.api.executions(id)));
  expect(again.map((executions) => executions.at(-1)?.NodeID)).toEqual([nodeId, nodeId]);
  for (const id of [waiting, everywhere]) await stack.api.waitForJob(id, 'Running');
  // On the connection that it had: nobody waited for its agent to dial.
  expect((await nodeOf(nodeId)).ConnectionState.ConnectedSince).toBe(ConnectedSince);
  expect((await nodeOf(nodeId)).Connection).toBe('CONNECTED');
});
