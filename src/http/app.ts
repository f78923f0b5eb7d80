import { Hono, type MiddlewareHandler } from 'hono';
import { refuseLargeBody } from './body.ts';
import { Callers } from './callers.ts';
import type { Deps, HttpEnv } from './deps.ts';
import { handleError, handleNotFound } from './error-handler.ts';
import { requireCredential } from './middleware/access.ts';
import { cors } from './middleware/cors.ts';
import { readableHost } from './middleware/host.ts';
import { spaceLargeBodies } from './middleware/large-bodies.ts';
import { loopbackOnly } from './middleware/loopback.ts';
import { rateLimit } from './middleware/rate-limit.ts';
import { requestLog } from './middleware/request-log.ts';
import { responseHeaders } from './middleware/response-headers.ts';
import { readableSettings } from './middleware/settings.ts';
import { versionGate } from './middleware/version-gate.ts';
import { redirectPaths, rootPage } from './routes/root.ts';
import { reach, routerPath, table } from './routes/table.ts';

/** The HTTP API. Reads go to D1, commands to the Scheduler; the app itself holds nothing. */
export function makeApp(deps: Deps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.onError(handleError);
  app.notFound(handleNotFound);
  const callers = new Callers(deps.access);
  // The order decides what a refused request is told: 401 and 403 carry no version headers, but they are logged.
  app.use(requestLog(deps));
  app.use(findRoute);
  app.use(readableHost);
  app.use(loopbackOnly(deps.access));
  app.use(readableSettings(deps.access));
  app.use(cors(redirectPaths));
  app.use(rateLimit(deps, callers));
  app.use(refuseLargeBodies);
  // Before credentials are asked for: a browser has none to show.
  app.use('/', rootPage);
  app.use(requireCredential(deps, callers));
  app.use(spaceLargeBodies(deps));
  app.use(responseHeaders);
  app.use(versionGate);
  app.use(refuseHead);
  for (const route of table) app.on(route.method.toUpperCase(), routerPath(route), (c) => route.serve(c, deps));
  return app;
}

const refuseLargeBodies: MiddlewareHandler<HttpEnv> = async (c, next) => {
  await refuseLargeBody(c);
  return next();
};

const findRoute: MiddlewareHandler<HttpEnv> = (c, next) => {
  c.set('reached', reach(c.req.method, c.req.path));
  return next();
};

/** Hono answers HEAD as it does GET; Bacalhau has no HEAD, except for the redirects' own refusal. */
const refuseHead: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (c.req.method === 'HEAD' && !redirectPaths.has(c.req.path)) return handleNotFound(c);
  return next();
};
