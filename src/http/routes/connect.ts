import type { Hono } from 'hono';
import { badRequest } from '../../../schema/errors.ts';
import { CONNECT_PATH } from '../../../schema/protocol/version.ts';
import type { Deps, HttpEnv } from '../deps.ts';

/** Where agents dial in. */
export function addConnectRoute(app: Hono<HttpEnv>, deps: Deps): void {
  app.get(CONNECT_PATH, (c) => {
    if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
      throw badRequest('expected a WebSocket upgrade', 400, 'This path is for agents.');
    }
    return deps.connect(c.req.raw);
  });
}
