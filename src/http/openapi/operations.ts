import { jobOperations } from './job-operations.ts';
import type { Operation } from './operation.ts';

const NODES = '/api/v1/orchestrator/nodes';
const TOKENS = '/api/v1/shoal/tokens';
const AGENT = '/api/v1/agent';
const AUTH = '/api/v1/auth';

const nodeOperations: readonly Operation[] = [
  {
    id: 'listNodes',
    method: 'get',
    path: NODES,
    tag: 'Nodes',
    summary: 'List nodes, the orchestrator among them',
    query: [
      { name: 'limit', type: 'integer', description: '0 means all.' },
      {
        name: 'order_by',
        type: 'string',
        description: 'The id when absent; the most available comes first.',
        values: [
          'id',
          'type',
          'available_cpu',
          'available_memory',
          'available_disk',
          'available_gpu',
          'approval',
          'status',
        ],
      },
      { name: 'reverse', type: 'boolean', description: 'Turns the order around.' },
      { name: 'labels', type: 'strings', description: 'Kubernetes label selectors; all must be met.' },
      { name: 'filter-approval', type: 'string', description: 'PENDING, APPROVED or REJECTED, in any case.' },
      { name: 'filter-status', type: 'string', description: 'CONNECTED or DISCONNECTED, in any case.' },
      { name: 'filter_approval', type: 'string', description: 'The same as `filter-approval`.' },
      { name: 'filter_status', type: 'string', description: 'The same as `filter-status`.' },
      { name: 'next_token', type: 'string', description: 'Accepted, without effect.' },
    ],
    answer: 'ListNodesResponse',
    errors: [400],
  },
  {
    id: 'getNode',
    method: 'get',
    path: `${NODES}/{id}`,
    tag: 'Nodes',
    summary: 'Get a node by its id or the beginning of it',
    answer: 'GetNodeResponse',
    errors: [404, 409],
  },
  {
    id: 'changeNode',
    method: 'put',
    path: `${NODES}/{id}`,
    tag: 'Nodes',
    summary: 'Approve, reject, delete, drain or resume a node',
    body: 'ChangeNodeRequest',
    answer: 'ChangeNodeResponse',
    errors: [400, 404, 409, 503],
  },
];

const agentOperations: readonly Operation[] = [
  {
    id: 'alive',
    method: 'get',
    path: `${AGENT}/alive`,
    tag: 'Agent',
    summary: 'Ask whether the server lives',
    answer: 'AliveResponse',
  },
  {
    id: 'version',
    method: 'get',
    path: `${AGENT}/version`,
    tag: 'Agent',
    summary: 'Ask which version of the API is served',
    answer: 'VersionInfo',
  },
  {
    id: 'node',
    method: 'get',
    path: `${AGENT}/node`,
    tag: 'Agent',
    summary: 'The orchestrator as a node',
    answer: 'NodeInfo',
  },
  {
    id: 'debug',
    method: 'get',
    path: `${AGENT}/debug`,
    tag: 'Agent',
    summary: 'Shoal’s own version, and what else helps its operator',
    answer: 'DebugResponse',
  },
  {
    id: 'config',
    method: 'get',
    path: `${AGENT}/config`,
    tag: 'Agent',
    summary: 'The settings, secrets left out',
    answer: 'ConfigResponse',
  },
  {
    id: 'authConfig',
    method: 'get',
    path: `${AGENT}/authconfig`,
    tag: 'Agent',
    summary: 'Single sign-on: there is none',
    answer: 'AuthConfigResponse',
  },
];

const authOperations: readonly Operation[] = [
  {
    id: 'listAuthMethods',
    method: 'get',
    path: AUTH,
    tag: 'Auth',
    summary: 'How one can log in',
    answer: 'ListAuthMethodsResponse',
  },
  {
    id: 'getAuthMethod',
    method: 'get',
    path: `${AUTH}/{method}`,
    tag: 'Auth',
    summary: 'What one way to log in asks for',
    answer: 'AuthMethod',
    errors: [404],
  },
  {
    id: 'authenticate',
    method: 'post',
    path: `${AUTH}/{method}`,
    tag: 'Auth',
    summary: 'Log in by signing a phrase',
    body: 'AuthenticateRequest',
    answer: 'AuthenticateResponse',
    errors: [400, 404],
  },
];

const shoalOperations: readonly Operation[] = [
  {
    id: 'listTokens',
    method: 'get',
    path: TOKENS,
    tag: 'Shoal',
    summary: 'List keys, users and public keys',
    answer: 'ListTokensResponse',
  },
  {
    id: 'createToken',
    method: 'post',
    path: TOKENS,
    tag: 'Shoal',
    summary: 'Let somebody in: by a key, a password or a public key',
    body: 'CreateTokenRequest',
    answer: 'CreateTokenResponse',
    errors: [400, 409],
  },
  {
    id: 'deleteToken',
    method: 'delete',
    path: `${TOKENS}/{id}`,
    tag: 'Shoal',
    summary: 'Revoke a key, user or public key with its sessions',
    answer: 'DeleteTokenResponse',
    errors: [404],
  },
];

/** Every route that answers JSON of its own; a test holds it to the routes that are served. */
export const operations: readonly Operation[] = [
  ...jobOperations,
  ...nodeOperations,
  ...agentOperations,
  ...authOperations,
  ...shoalOperations,
];
