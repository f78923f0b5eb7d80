import type { Hono } from 'hono';
import { badRequest } from '../../../schema/errors.ts';
import type { HttpEnv } from '../deps.ts';
import { answerError } from '../error-handler.ts';

const TARGETS = [
  ['/', '/api/v1/agent/version'],
  ['/version', '/api/v1/agent/version'],
  ['/livez', '/api/v1/agent/alive'],
] as const;

export const redirectPaths: ReadonlySet<string> = new Set(TARGETS.map(([path]) => path));

const methodNotAllowed = badRequest('Method Not Allowed', 405);

/** The three short paths. They are the only ones where a wrong method is 405: anywhere else it is 404. */
export function addRootRoutes(app: Hono<HttpEnv>): void {
  for (const [path, target] of TARGETS) {
    app.all(path, (c) => {
      // Hono runs HEAD as GET and drops the body.
      if (c.req.method === 'GET') return c.redirect(target, 301);
      c.header('Allow', 'OPTIONS, GET');
      return answerError(c, methodNotAllowed.shape);
    });
  }
}
