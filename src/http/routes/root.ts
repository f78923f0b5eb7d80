import type { MiddlewareHandler } from 'hono';
import { accepts } from 'hono/accepts';
import { badRequest } from '../../../schema/errors.ts';
import type { HttpEnv } from '../deps.ts';
import { answerError } from '../error-handler.ts';
import { hiddenRoute, type Route } from './route.ts';

const TARGETS = [
  ['root', '/', '/api/v1/agent/version'],
  ['shortVersion', '/version', '/api/v1/agent/version'],
  ['livez', '/livez', '/api/v1/agent/alive'],
] as const;

export const redirectPaths: ReadonlySet<string> = new Set(TARGETS.map(([, path]) => path));

const methodNotAllowed = badRequest('Method Not Allowed', 405);

/** Holds nothing of the installation: in closed mode it is shown to anybody. */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shoal</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem; color: #222; background: #fff }
  @media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } a { color: #8bf } }
</style>
<h1>Shoal</h1>
<p>This is the API of a compute network: it takes jobs over HTTP and runs them in Docker on the machines that have joined it.
It speaks Bacalhau's API, so Bacalhau's command line and SDKs work with it.</p>
<ul>
  <li><a href="/api/v1/docs">What it can be asked</a>, and <a href="/api/v1/openapi.json">the same for machines</a></li>
  <li><a href="/api/v1/orchestrator/jobs">Its jobs</a> and <a href="/api/v1/orchestrator/nodes">its nodes</a></li>
  <li><a href="/api/v1/agent/version">Its version</a>, and <a href="/api/v1/agent/alive">whether it lives</a></li>
</ul>
<p>A closed installation answers most of these only to who sends a token, as <code>Authorization: Bearer …</code>: its
operator makes them.</p>
</html>
`;

const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  Vary: 'Accept',
};

/** `/` for who would rather have a page than JSON; all else goes on to what follows. */
export const rootPage: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const wanted = accepts(c, {
    header: 'Accept',
    supports: ['text/html', 'application/json'],
    default: 'application/json',
  });
  if (c.req.method === 'GET' && wanted === 'text/html') return c.body(PAGE, 200, PAGE_HEADERS);
  await next();
  c.header('Vary', 'Accept', { append: true });
  return undefined;
};

/** The three short paths. They are the only ones where a wrong method is 405: anywhere else it is 404. */
export const rootRoutes: readonly Route[] = TARGETS.map(([id, path, target]) =>
  hiddenRoute({
    id,
    method: 'all',
    path,
    needs: 'closed',
    handle: ({ c }) => {
      // Hono runs HEAD as GET and drops the body.
      if (c.req.method === 'GET') return c.redirect(target, 301);
      c.header('Allow', 'OPTIONS, GET');
      return answerError(c, methodNotAllowed.shape);
    },
  }),
);
