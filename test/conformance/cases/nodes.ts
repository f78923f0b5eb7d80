import type { Case } from '../case.ts';
import { anything, time, type Pattern } from '../pattern.ts';
import { NODE, ORCHESTRATOR, PENDING_NODE } from '../world.ts';
import { orchestratorInfo } from './agent.ts';

const LIST = 'GET /orchestrator/nodes';
const GET = 'GET /orchestrator/nodes/{id}';
const PUT = 'PUT /orchestrator/nodes/{id}';
const ZERO = '0001-01-01T00:00:00Z';
const capacity = { CPU: 4, Memory: 8_000_000_000, Disk: 80_000_000_000 };

const node = (id: string, membership: string, os: string): Pattern => ({
  Info: {
    NodeID: id,
    NodeType: 'Compute',
    Labels: { os_type: os },
    SupportedProtocols: anything,
    ComputeNodeInfo: {
      ExecutionEngines: ['docker'],
      Publishers: ['noop'],
      StorageSources: ['inline'],
      MaxCapacity: capacity,
      QueueCapacity: {},
      AvailableCapacity: {},
      MaxJobRequirements: capacity,
      RunningExecutions: 0,
      EnqueuedExecutions: 0,
      address: '',
    },
    BacalhauVersion: anything,
  },
  Membership: membership,
  Connection: 'DISCONNECTED',
  ConnectionState: {
    Status: 'DISCONNECTED',
    LastHeartbeat: '2025-11-20T10:10:00Z',
    ConnectedSince: '2025-11-20T10:10:00Z',
    DisconnectedSince: anything,
    ...(membership === 'PENDING' && { LastError: 'connection lost' }),
  },
});
const approved = node(NODE, 'APPROVED', 'linux');
const pending = node(PENDING_NODE, 'PENDING', 'plan9');
const orchestrator: Pattern = {
  Info: orchestratorInfo,
  Membership: 'APPROVED',
  Connection: 'CONNECTED',
  ConnectionState: { Status: 'CONNECTED', LastHeartbeat: time, ConnectedSince: ZERO, DisconnectedSince: ZERO },
};
const list = (...nodes: Pattern[]): Pattern => ({ NextToken: '', Nodes: nodes });
const query = (name: string, text: string, shows: string, answer: Pattern): Case => ({
  name,
  route: LIST,
  path: `/orchestrator/nodes?${text}`,
  shows: [shows],
  answer,
});
const error = (status: number, message: string, code: string, component: string): Pattern => ({
  Status: status,
  Message: message,
  RequestID: '',
  Code: code,
  Component: component,
});
const done: Pattern = { Success: true };
const action = (name: string) => ({
  Namespace: '',
  Credential: null,
  IdempotencyToken: '',
  Action: name,
  Message: '',
  NodeID: 'x',
});

export const nodeCases: readonly Case[] = [
  {
    name: 'all nodes',
    route: LIST,
    models: { NodeState: 'Nodes[]', NodeInfo: 'Nodes[].Info' },
    answer: list(orchestrator, approved, pending),
  },
  query('nodes backwards', 'limit=1&reverse=True', 'reverse', list(pending)),
  query('some nodes', 'limit=1', 'limit', list(orchestrator)),
  query('nodes by type', 'order_by=type&limit=2', 'order_by', list(approved, pending)),
  query('nodes by their labels', 'labels=os_type%3Dlinux', 'labels', list(approved)),
  query('nodes by approval', 'filter-approval=pending', 'filter-approval', list(pending)),
  query('nodes by approval as the Python client asks', 'filter_approval=PENDING', 'filter_approval', list(pending)),
  query('nodes by connection', 'filter-status=connected', 'filter-status', list(orchestrator)),
  query('nodes by a connection that there is not', 'filter-status=x&next_token=y', 'next_token', list()),
  {
    name: 'nodes in an order that there is not',
    route: LIST,
    path: '/orchestrator/nodes?order_by=x',
    status: 400,
    answer: error(400, 'invalid order_by', 'InternalError', 'APIServer'),
  },

  {
    name: 'a node by the beginning of its id',
    route: GET,
    path: '/orchestrator/nodes/n-5e0f1',
    shows: ['id'],
    models: { NodeState: 'Node' },
    answer: { Node: approved },
  },
  {
    name: 'the orchestrator as a node',
    route: GET,
    path: `/orchestrator/nodes/${ORCHESTRATOR}`,
    answer: { Node: orchestrator },
  },
  {
    name: 'a beginning that several nodes share',
    route: GET,
    path: '/orchestrator/nodes/n-5e0f',
    status: 409,
    answer: {
      ...(error(
        409,
        `multiple nodes found for prefix: n-5e0f, matching IDs: [${NODE} ${PENDING_NODE}]`,
        'MultipleNodesFound',
        'NodesManager',
      ) as object),
      Hint: 'Use a more specific node ID prefix',
    },
  },
  {
    name: 'no node',
    route: GET,
    path: '/orchestrator/nodes/x',
    status: 404,
    answer: error(404, 'node not found: x', 'NotFound', 'NodesManager'),
  },

  {
    name: 'approving an approved node',
    route: PUT,
    path: `/orchestrator/nodes/${NODE}`,
    body: action('approve'),
    status: 409,
    answer: error(409, `node ${NODE} already approved`, 'ConflictNodeState', 'NodesManager'),
  },
  {
    name: 'approving a node',
    route: PUT,
    path: '/orchestrator/nodes/n-5e0f9',
    body: action('approve'),
    shows: ['id', 'Action', 'NodeID'],
    answer: done,
  },
  {
    name: 'rejecting a node',
    route: PUT,
    path: '/orchestrator/nodes/n-5e0f9',
    body: { Action: 'reject', Message: 'too slow' },
    shows: ['Message'],
    answer: done,
  },
  {
    name: 'rejecting a rejected node',
    route: PUT,
    path: '/orchestrator/nodes/n-5e0f9',
    body: action('reject'),
    status: 409,
    answer: error(409, `node ${PENDING_NODE} already rejected`, 'ConflictNodeState', 'NodesManager'),
  },
  {
    name: 'deleting a node',
    route: PUT,
    path: '/orchestrator/nodes/n-5e0f9',
    body: action('delete'),
    answer: done,
  },
  {
    name: 'an action that there is not',
    route: PUT,
    path: `/orchestrator/nodes/${NODE}`,
    body: action('Approve'),
    status: 400,
    answer: error(
      400,
      'invalid action "Approve": allowed are approve, reject, delete, drain, resume',
      'InternalError',
      'APIServer',
    ),
  },
  {
    name: 'an action on no node',
    route: PUT,
    path: '/orchestrator/nodes/x',
    body: action('approve'),
    status: 404,
    answer: error(404, 'node not found: x', 'NotFound', 'NodesManager'),
  },
  {
    name: 'an action on the orchestrator',
    route: PUT,
    path: `/orchestrator/nodes/${ORCHESTRATOR}`,
    body: action('delete'),
    status: 400,
    answer: error(400, `node ${ORCHESTRATOR} is the orchestrator itself`, 'InternalError', 'APIServer'),
  },
];
