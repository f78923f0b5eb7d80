import type { MiddlewareHandler } from 'hono';
import { ShoalError } from '../../../schema/errors.ts';
import type { Callers } from '../callers.ts';
import type { Deps, HttpEnv } from '../deps.ts';

/** Clients that are remembered; the ones that were quiet longest are forgotten first. */
const MAX_CLIENTS = 10_000;
/** Costs no more than a refusal, and tells whoever watches that the server is there. */
const ALIVE = '/api/v1/agent/alive';

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * At most so many requests a second from one client, with a burst of as many. Counted in each isolate by itself: it
 * keeps one client from taking all of an isolate, and is no quota.
 */
export function rateLimit(deps: Deps, callers: Callers): MiddlewareHandler<HttpEnv> {
  const perSecond = deps.access.requestsPerSecond;
  const buckets = new Map<string, Bucket>();
  return async (c, next) => {
    if (perSecond <= 0 || c.req.path === ALIVE) return next();
    const client = callers.keyOf(c);
    const now = deps.now();
    const { tokens, at } = buckets.get(client) ?? { tokens: perSecond, at: now };
    const left = Math.min(perSecond, tokens + (Math.max(0, now - at) * perSecond) / 1000);
    buckets.delete(client);
    buckets.set(client, { tokens: left < 1 ? left : left - 1, at: now });
    const oldest = buckets.size > MAX_CLIENTS ? buckets.keys().next().value : undefined;
    if (oldest !== undefined) buckets.delete(oldest);
    if (left < 1) {
      throw new ShoalError('InternalError', 'rate limit exceeded', {
        status: 429,
        component: 'APIServer',
        retryAfterSeconds: Math.max(1, Math.ceil(1 / perSecond)),
      });
    }
    await next();
    callers.note(c);
  };
}
