import type { MiddlewareHandler } from 'hono';
import { CONNECT_PATH } from '../../../schema/protocol/version.ts';
import { authenticate, missingSecret, requireSecret } from '../auth/authenticate.ts';
import { PasswordGate } from '../auth/password-gate.ts';
import { anyNode, nobody, operator, requireAllNamespaces, requireCapability } from '../auth/principal.ts';
import { isOpenPath, needOf, needsAllNamespaces } from '../auth/route-needs.ts';
import type { Callers } from '../callers.ts';
import type { Deps, HttpEnv } from '../deps.ts';

/** Closed mode: every path but the open ones needs a credential, paths that do not exist too. */
export function requireCredential(deps: Deps, callers: Callers): MiddlewareHandler<HttpEnv> {
  const gate = new PasswordGate(deps);
  return async (c, next) => {
    if (deps.access.mode === 'open') {
      c.set('principal', operator);
      return next();
    }
    c.set('principal', nobody);
    if (isOpenPath(c.req.path)) return next();
    const header = c.req.header('Authorization');
    if (c.req.path === CONNECT_PATH) {
      const secret = deps.access.nodeToken ?? '';
      if (secret === '') throw missingSecret('SHOAL_NODE_TOKEN');
      await requireSecret(header, secret);
      c.set('principal', anyNode);
      return next();
    }
    const principal = await authenticate(deps, header, { gate, address: callers.addressOf(c) });
    // Before it is known what they may do: a refusal is logged with who was refused.
    c.set('principal', principal);
    requireCapability(principal, needOf(c.req.method, c.req.path));
    if (needsAllNamespaces(c.req.path)) requireAllNamespaces(principal);
    return next();
  };
}
