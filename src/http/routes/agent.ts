import type { Hono } from 'hono';
import type { AliveResponse, NodeInfo, VersionInfo } from '../../../schema/api/node.ts';
import { API_VERSION } from '../../../schema/version.ts';
import type { HttpEnv } from '../deps.ts';
import { answer } from '../json.ts';
import { presentOrchestrator } from '../present.ts';

/** What the server says about itself. */
export function addAgentRoutes(app: Hono<HttpEnv>): void {
  app.get('/api/v1/agent/alive', (c) => answer(c, { Status: 'OK' } satisfies AliveResponse));
  app.get('/api/v1/agent/version', (c) => answer(c, API_VERSION satisfies VersionInfo));
  app.get('/api/v1/agent/node', (c) => answer(c, presentOrchestrator() satisfies NodeInfo));
}
