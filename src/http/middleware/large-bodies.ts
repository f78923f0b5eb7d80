import type { MiddlewareHandler } from 'hono';
import { ShoalError } from '../../../schema/errors.ts';
import type { Deps, HttpEnv } from '../deps.ts';

/** A large body takes up to a tenth of a second of the one thread; between two of them others have their turn. */
const APART_MS = 200;
/** Who would wait longer than this is sent away: what waits may be held in memory. */
const MAX_WAIT_MS = 2_000;

/** Lets bodies take turns that are larger than what most bodies may hold; see `readJsonBody`. */
export function spaceLargeBodies(deps: Deps): MiddlewareHandler<HttpEnv> {
  let nextAt = 0;
  return async (c, next) => {
    c.set('takeTurn', async () => {
      const now = deps.now();
      const start = Math.max(now, nextAt);
      if (start - now > MAX_WAIT_MS) {
        throw new ShoalError('InternalError', 'too many large bodies at once', {
          status: 429,
          component: 'APIServer',
          retryAfterSeconds: 1,
        });
      }
      nextAt = start + APART_MS;
      if (start > now) await deps.sleep(start - now);
    });
    return next();
  };
}
