import { AuthConfigResponse, ConfigResponse, DebugResponse, ReadyResponse } from '../../../schema/api/agent.ts';
import { AliveResponse, NodeInfo, VersionInfo } from '../../../schema/api/node.ts';
import { DEFAULT_CELL } from '../../../schema/ids.ts';
import { PROTOCOL_VERSION } from '../../../schema/protocol/version.ts';
import { API_VERSION, SHOAL_VERSION } from '../../../schema/version.ts';
import { presentConfig } from '../present-config.ts';
import { presentOrchestrator } from '../present.ts';
import { route, type Route } from './route.ts';

const AGENT = '/api/v1/agent';
const common = { method: 'get', tag: 'Agent', example: {} } as const;
const database = { 503: 'The database does not answer.' } as const;

/** What the server says about itself. */
export const agentRoutes: readonly Route[] = [
  route({
    ...common,
    id: 'alive',
    path: `${AGENT}/alive`,
    needs: 'nobody',
    summary: 'Ask whether the server lives',
    answer: AliveResponse,
    handle: () => ({ Status: 'OK' as const }),
  }),
  route({
    ...common,
    id: 'ready',
    path: '/api/v1/shoal/ready',
    needs: 'nobody',
    summary: 'Ask whether it can serve: whether its database answers',
    answer: ReadyResponse,
    errors: database,
    handle: async ({ deps }) => {
      // Any read would do; this one is of few rows, and what it finds is told to nobody.
      await deps.credentials.any(null, deps.now());
      return { Status: 'OK' as const };
    },
  }),
  route({
    ...common,
    id: 'version',
    path: `${AGENT}/version`,
    needs: 'nobody',
    summary: 'Ask which version of the API is served',
    answer: VersionInfo,
    handle: () => API_VERSION,
  }),
  route({
    ...common,
    id: 'node',
    path: `${AGENT}/node`,
    needs: 'read:agent',
    summary: 'The orchestrator as a node',
    answer: NodeInfo,
    errors: database,
    handle: async ({ deps }) => presentOrchestrator(await deps.reads.orchestratorId()),
  }),
  route({
    ...common,
    id: 'debug',
    path: `${AGENT}/debug`,
    needs: 'read:agent',
    summary: 'Shoal’s own version, and what else helps its operator',
    answer: DebugResponse,
    errors: database,
    handle: async ({ deps }) => ({
      Shoal: {
        Version: SHOAL_VERSION,
        API: API_VERSION.GitVersion,
        Protocol: PROTOCOL_VERSION,
        NodeID: await deps.reads.orchestratorId(),
        Cell: DEFAULT_CELL,
        Mode: deps.access.mode,
        RequestsPerSecond: deps.access.requestsPerSecond,
      },
    }),
  }),
  route({
    ...common,
    id: 'config',
    path: `${AGENT}/config`,
    needs: 'read:agent',
    summary: 'The settings, secrets left out',
    answer: ConfigResponse,
    handle: ({ deps }) => presentConfig(deps.access),
  }),
  route({
    ...common,
    id: 'authConfig',
    path: `${AGENT}/authconfig`,
    needs: 'nobody',
    summary: 'Single sign-on: there is none',
    answer: AuthConfigResponse,
    handle: () => ({ Version: '1.0.0' as const, Config: {} }),
  }),
];
