import { TrieRouter } from 'hono/router/trie-router';
import { needsOfUnserved } from '../auth/needs.ts';
import type { Reached } from '../reached.ts';
import { agentRoutes } from './agent.ts';
import { authRoutes } from './auth.ts';
import { connectRoutes } from './connect.ts';
import { diffJobRoutes } from './diff-job.ts';
import { docsRoutes } from './docs.ts';
import { executionLogRoutes } from './execution-log.ts';
import { executionRoutes } from './executions.ts';
import { getJobRoutes } from './get-job.ts';
import { historyRoutes } from './history.ts';
import { listJobsRoutes } from './list-jobs.ts';
import { logRoutes } from './logs.ts';
import { nodeRoutes } from './nodes.ts';
import { requesterRoutes } from './requester.ts';
import { rerunJobRoutes } from './rerun-job.ts';
import { resultRoutes } from './results.ts';
import { rootRoutes } from './root.ts';
import type { Route } from './route.ts';
import { stopJobRoutes } from './stop-job.ts';
import { submitJobRoutes } from './submit-job.ts';
import { tokenRoutes } from './tokens.ts';
import { versionRoutes } from './versions.ts';

/** Every route that is served: a path that is not here is closed. In the order in which they are described. */
export const table: readonly Route[] = [
  ...submitJobRoutes,
  ...listJobsRoutes,
  ...diffJobRoutes,
  ...getJobRoutes,
  ...stopJobRoutes,
  ...rerunJobRoutes,
  ...historyRoutes,
  ...executionRoutes,
  ...versionRoutes,
  ...resultRoutes,
  ...logRoutes,
  ...nodeRoutes,
  ...agentRoutes,
  ...authRoutes,
  ...tokenRoutes,
  ...docsRoutes(() => table),
  ...rootRoutes,
  ...requesterRoutes,
  ...connectRoutes,
  ...executionLogRoutes,
];

/** A path as the router writes it. */
export function routerPath({ path }: Route): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

const router = new TrieRouter<Route>();
for (const route of table) router.add('ALL', routerPath(route), route);

/** What a request has come to, before anybody knows who sends it. */
export function reach(method: string, path: string): Reached {
  const [found] = router.match('ALL', path);
  const routes = found.map(([route]) => route);
  const route = routes.find((one) => one.method === 'all' || one.method.toUpperCase() === method) ?? null;
  return { route, needs: route?.needs ?? needsOfUnserved(method, path, routes[0]?.needs ?? null) };
}
