import type { Hono } from 'hono';
import type { AuthConfigResponse, ConfigResponse } from '../../../schema/api/agent.ts';
import type { AliveResponse, NodeInfo, VersionInfo } from '../../../schema/api/node.ts';
import { DEFAULT_CELL } from '../../../schema/ids.ts';
import { PROTOCOL_VERSION } from '../../../schema/protocol/version.ts';
import { API_VERSION, SHOAL_VERSION } from '../../../schema/version.ts';
import type { Deps, HttpEnv } from '../deps.ts';
import { answer } from '../json.ts';
import { presentConfig } from '../present-config.ts';
import { presentOrchestrator } from '../present.ts';

const AGENT = '/api/v1/agent';

/** What the server says about itself. */
export function addAgentRoutes(app: Hono<HttpEnv>, deps: Deps): void {
  app.get(`${AGENT}/alive`, (c) => answer(c, { Status: 'OK' } satisfies AliveResponse));
  app.get(`${AGENT}/version`, (c) => answer(c, API_VERSION satisfies VersionInfo));
  app.get(`${AGENT}/node`, async (c) =>
    answer(c, presentOrchestrator(await deps.reads.orchestratorId()) satisfies NodeInfo),
  );
  app.get(`${AGENT}/debug`, async (c) =>
    answer(c, {
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
  );
  app.get(`${AGENT}/config`, (c) => answer(c, presentConfig(deps.access) satisfies ConfigResponse));
  app.get(`${AGENT}/authconfig`, (c) => answer(c, { Version: '1.0.0', Config: {} } satisfies AuthConfigResponse));
}
