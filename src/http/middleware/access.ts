import type { MiddlewareHandler } from 'hono';
import { authenticate, missingSecret, requireSecret } from '../auth/authenticate.ts';
import { PasswordGate } from '../auth/password-gate.ts';
import { requireNeeds } from '../auth/needs.ts';
import { anyNode, nobody, operator } from '../auth/principal.ts';
import type { Callers } from '../callers.ts';
import type { Deps, HttpEnv } from '../deps.ts';

/** Closed mode: what a route needs is asked for, and of paths that do not exist too. */
export function requireCredential(deps: Deps, callers: Callers): MiddlewareHandler<HttpEnv> {
  const gate = new PasswordGate(deps);
  return async (c, next) => {
    if (deps.access.mode === 'open') {
      c.set('principal', operator);
      return next();
    }
    c.set('principal', nobody);
    const { needs } = c.get('reached');
    if (needs === 'nobody' || needs === 'execution') return next();
    const header = c.req.header('Authorization');
    if (needs === 'node') {
      const secret = deps.access.nodeToken ?? '';
      if (secret === '') throw missingSecret('SHOAL_NODE_TOKEN');
      await requireSecret(header, secret);
      c.set('principal', anyNode);
      return next();
    }
    const principal = await authenticate(deps, header, { gate, address: callers.addressOf(c) });
    // Before it is known what they may do: a refusal is logged with who was refused.
    c.set('principal', principal);
    requireNeeds(principal, needs);
    return next();
  };
}
