import { badRequest } from '../../../schema/errors.ts';
import { CONNECT_PATH } from '../../../schema/protocol/version.ts';
import { hiddenRoute, type Route } from './route.ts';

/** Where agents dial in. */
export const connectRoutes: readonly Route[] = [
  hiddenRoute({
    id: 'connectNode',
    method: 'get',
    path: CONNECT_PATH,
    needs: 'node',
    handle: ({ c, deps }) => {
      if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
        throw badRequest('expected a WebSocket upgrade', 400, 'This path is for agents.');
      }
      return deps.connect(c.req.raw);
    },
  }),
];
