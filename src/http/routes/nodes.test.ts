import { describe, expect, test } from 'vitest';
import { GetNodeResponse, ListNodesResponse } from '../../../schema/api/node.ts';
import { NodeId } from '../../../schema/ids.ts';
import { makeFakeApi } from '../../../test/fakes/api.ts';
import { seedNode } from '../../../test/fakes/seed.ts';

const NODES = '/api/v1/orchestrator/nodes';

function withNodes() {
  const api = makeFakeApi();
  seedNode(api.db, { id: 'n-a1' });
  seedNode(api.db, { id: 'n-a2', labels: { os_type: 'darwin' } });
  seedNode(api.db, { id: 'n-a', membership: 'PENDING', connection: 'DISCONNECTED' });
  const live = (id: string, cpu: number) => ({
    nodeId: NodeId.parse(id),
    connected: true,
    lastHeard: 1_763_633_499_000,
    available: { cpu, memory: 4_000_000_000, disk: 0, gpu: 0 },
    runningExecutions: 1,
  });
  api.scheduler.liveNodes = async () => [live('n-a1', 1), live('n-a2', 3.5)];
  return api;
}

const golden =
  `{"Info":{"NodeID":"n-a1","NodeType":"Compute","Labels":{"os_type":"linux"},"SupportedProtocols":["shoal/v3"],` +
  `"ComputeNodeInfo":{"ExecutionEngines":["docker"],"Publishers":["noop"],"StorageSources":["inline"],` +
  `"MaxCapacity":{"CPU":4,"Memory":8000000000,"Disk":80000000000},"QueueCapacity":{},"AvailableCapacity":{"CPU":1,"Memory":4000000000},` +
  `"MaxJobRequirements":{"CPU":4,"Memory":8000000000,"Disk":80000000000},"RunningExecutions":1,"EnqueuedExecutions":0,"address":""},` +
  `"BacalhauVersion":{"Major":"1","Minor":"9","GitVersion":"v1.9.3","GitCommit":"e28960c75f0b","BuildDate":"2025-11-20T10:11:12Z",` +
  `"GOOS":"linux","GOARCH":"arm64"}},"Membership":"APPROVED","Connection":"CONNECTED","ConnectionState":{"Status":"CONNECTED",` +
  `"LastHeartbeat":"2025-11-20T10:11:39Z","ConnectedSince":"2025-11-20T10:10:00Z","DisconnectedSince":"0001-01-01T00:00:00Z"}}`;

describe('a node', () => {
  const { send } = withNodes();
  test('on the wire', async ({ expect }) => {
    const got = await send('GET', `${NODES}/n-a1`);
    expect(got.text).toBe(`{"Node":${golden}}\n`);
    GetNodeResponse.strict().parse(got.json());
  });
  test('by its whole id, though others begin with it', async ({ expect }) => {
    expect((await send('GET', `${NODES}/n-a`)).json().Node.Info.NodeID).toBe('n-a');
  });
  test('by the beginning of the orchestrator’s id', async ({ expect }) => {
    const { Node: node } = (await send('GET', `${NODES}/n-orch`)).json();
    expect(node).toMatchObject({ Info: { NodeType: 'Requester' }, Membership: 'APPROVED', Connection: 'CONNECTED' });
  });
  test('by a beginning that several share', async ({ expect }) => {
    const got = await send('GET', `${NODES}/n-`);
    expect(got.json()).toMatchObject({
      Status: 409,
      Code: 'MultipleNodesFound',
      Component: 'NodesManager',
      Message: 'multiple nodes found for prefix: n-, matching IDs: [n-a n-a1 n-a2 ...]',
      Hint: 'Use a more specific node ID prefix',
    });
  });
  test('that does not exist', async ({ expect }) => {
    expect((await send('GET', `${NODES}/x`)).json()).toMatchObject({
      Status: 404,
      Message: 'node not found: x',
      Component: 'NodesManager',
    });
  });
});

describe('a node shows', () => {
  const show = async (seed: Parameters<typeof seedNode>[1], live: boolean | null = null) => {
    const api = makeFakeApi();
    seedNode(api.db, seed);
    const available = { cpu: 4, memory: 1, disk: 1, gpu: 0 };
    const nodeId = NodeId.parse(seed.id);
    api.scheduler.liveNodes = async () => {
      if (live === null) throw new Error('away');
      return [{ nodeId, connected: live, lastHeard: 1_763_633_499_000, available, runningExecutions: 0 }];
    };
    const { Node: one } = (await api.send('GET', `${NODES}/${seed.id}`)).json();
    const { Nodes: all } = (await api.send('GET', NODES)).json();
    GetNodeResponse.strict().parse({ Node: one });
    return { one, listed: all.find((node: { Info: { NodeID: string } }) => node.Info.NodeID === seed.id) };
  };

  test.each([true, null])('that it drains, alone and in the list (connected: %s)', async (live) => {
    const { one, listed } = await show({ id: 'n-a', draining: true }, live);
    expect([one.Draining, listed.Draining]).toEqual([true, true]);
  });

  test('nothing of it otherwise', async () => {
    const { one, listed } = await show({ id: 'n-a' }, true);
    expect([one, listed].some((node) => 'Draining' in node)).toBe(false);
  });

  test('the host name of its machine as its address, or none when its agent does not say', async () => {
    const { one, listed } = await show({ id: 'n-a', hostname: 'rack-7' }, true);
    expect([one, listed].map((node) => node.Info.ComputeNodeInfo.address)).toEqual(['rack-7', 'rack-7']);
    expect((await show({ id: 'n-a' }, true)).one.Info.ComputeNodeInfo.address).toBe('');
  });

  test.each([true, null])('that it is shut out when it was rejected, with the reason (connected: %s)', async (live) => {
    const { one } = await show({ id: 'n-a', membership: 'REJECTED', lastError: 'node rejected: not ours' }, live);
    expect(one).toMatchObject({
      Membership: 'REJECTED',
      Connection: 'DISCONNECTED',
      Info: { ComputeNodeInfo: { AvailableCapacity: {} } },
      ConnectionState: {
        Status: 'DISCONNECTED',
        DisconnectedSince: '2025-11-20T10:10:00Z',
        LastError: 'node rejected: not ours',
      },
    });
  });
});

describe('nodes', () => {
  const { send } = withNodes();
  const list = async (query: string) =>
    (await send('GET', `${NODES}?${query}`)).json().Nodes.map((node: { Info: { NodeID: string } }) => node.Info.NodeID);
  const cases = [
    ['', ['n-a', 'n-a1', 'n-a2', 'n-orchestrator']],
    ['limit=2&reverse=true', ['n-orchestrator', 'n-a2']],
    ['order_by=available_cpu&limit=2', ['n-a2', 'n-a1']],
    ['order_by=type&limit=1&reverse=t', ['n-orchestrator']],
    ['filter-approval=pending', ['n-a']],
    ['filter_approval=pending', ['n-a']],
    ['filter-status=disconnected', ['n-a']],
    ['filter-status=bogus', []],
    ['labels=os_type=linux', ['n-a', 'n-a1']],
    ['labels=os_type&labels=os_type!=linux', ['n-a2']],
  ] as const;
  for (const [query, want] of cases) {
    test(JSON.stringify(query), async ({ expect }) => expect(await list(query)).toEqual(want));
  }
  test('on the wire', async ({ expect }) => {
    const got = await send('GET', NODES);
    expect(Object.keys(got.json())).toEqual(['NextToken', 'Nodes']);
    ListNodesResponse.strict().parse(got.json());
  });
  test('in an order that does not exist', async ({ expect }) => {
    const got = await send('GET', `${NODES}?order_by=x`);
    expect([got.status, got.json().Message]).toEqual([400, 'invalid order_by']);
  });
  test('as the database knows them when the Scheduler does not answer', async ({ expect }) => {
    const api = withNodes();
    api.scheduler.liveNodes = async () => {
      throw new Error('away');
    };
    const nodes = (await api.send('GET', NODES)).json().Nodes;
    expect(nodes.map((node: { Connection: string }) => node.Connection)).toEqual([
      'DISCONNECTED',
      'CONNECTED',
      'CONNECTED',
      'CONNECTED',
    ]);
  });
});
