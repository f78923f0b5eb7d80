import type { MiddlewareHandler } from 'hono';
import { badRequest } from '../../../schema/errors.ts';
import type { Deps, HttpEnv } from '../deps.ts';

/** Clients that are remembered; the ones that were quiet longest are forgotten first. */
const MAX_CLIENTS = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * At most so many requests a second from one client, with a burst of as many. Counted in each isolate by itself: it
 * keeps one client from taking all of an isolate, and is no quota.
 */
export function rateLimit(deps: Deps): MiddlewareHandler<HttpEnv> {
  const perSecond = deps.access.requestsPerSecond;
  const buckets = new Map<string, Bucket>();
  return async (c, next) => {
    if (perSecond <= 0) return next();
    const client = c.req.header('CF-Connecting-IP') ?? '';
    const now = deps.now();
    const { tokens, at } = buckets.get(client) ?? { tokens: perSecond, at: now };
    const left = Math.min(perSecond, tokens + (Math.max(0, now - at) * perSecond) / 1000);
    buckets.delete(client);
    buckets.set(client, { tokens: Math.max(0, left - 1), at: now });
    const oldest = buckets.size > MAX_CLIENTS ? buckets.keys().next().value : undefined;
    if (oldest !== undefined) buckets.delete(oldest);
    if (left < 1) throw badRequest('rate limit exceeded', 429);
    return next();
  };
}
