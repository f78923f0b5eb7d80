import type { MiddlewareHandler } from 'hono';
import { CONNECT_PATH } from '../../../schema/protocol/version.ts';
import { authenticate, missingSecret, requireSecret } from '../auth/authenticate.ts';
import { owner, requireCapability } from '../auth/principal.ts';
import { isOpenPath, needOf } from '../auth/route-needs.ts';
import type { Deps, HttpEnv } from '../deps.ts';

/** Closed mode: every path but the open ones needs a credential, paths that do not exist too. */
export function requireCredential(deps: Deps): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    c.set('principal', owner);
    if (deps.access.mode === 'open' || isOpenPath(c.req.path)) return next();
    const header = c.req.header('Authorization');
    if (c.req.path === CONNECT_PATH) {
      const secret = deps.access.nodeToken ?? '';
      if (secret === '') throw missingSecret('SHOAL_NODE_TOKEN');
      await requireSecret(header, secret);
      return next();
    }
    const principal = await authenticate(deps, header);
    requireCapability(principal, needOf(c.req.method, c.req.path));
    c.set('principal', principal);
    return next();
  };
}
