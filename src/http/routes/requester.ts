import { ShoalError } from '../../../schema/errors.ts';
import { hiddenRoute, type Route } from './route.ts';

const JOBS = '/api/v1/orchestrator/jobs';
const NODES = '/api/v1/orchestrator/nodes';
const GUIDE = 'https://docs.bacalhau.org/references/cli-reference/command-migration';

/** Where each call of the old API went. */
const SUCCESSORS: Readonly<Record<string, string>> = {
  submit: `PUT ${JOBS}`,
  list: `GET ${JOBS}`,
  states: `GET ${JOBS}/{id}`,
  results: `GET ${JOBS}/{id}/results`,
  events: `GET ${JOBS}/{id}/history`,
  'websocket/events': `GET ${JOBS}/{id}/history`,
  cancel: `DELETE ${JOBS}/{id}`,
  nodes: `GET ${NODES}`,
  debug: 'GET /api/v1/agent/debug',
};

const OLD = '/api/v1/requester/';

/** The API before Bacalhau 1.4. */
export const requesterRoutes: readonly Route[] = [
  hiddenRoute({
    id: 'oldApi',
    method: 'all',
    path: `${OLD}*`,
    needs: 'closed',
    handle: ({ c }) => {
      const call = c.req.path.slice(OLD.length);
      const successor = Object.hasOwn(SUCCESSORS, call) ? SUCCESSORS[call] : undefined;
      throw new ShoalError('Gone', `This endpoint is deprecated. Use ${successor ?? '/api/v1/orchestrator'} instead.`, {
        component: 'APIServer',
        hint: `See the migration guide at ${GUIDE} for more information.`,
      });
    },
  }),
];
