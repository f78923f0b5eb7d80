import type { MiddlewareHandler } from 'hono';
import type { HttpEnv } from '../deps.ts';

const METHODS = 'GET,HEAD,PUT,PATCH,POST,DELETE';
const REDIRECT_METHODS = 'OPTIONS, GET';

/**
 * Any origin may read answers: none of them depends on cookies. Answers every OPTIONS itself, before credentials are
 * looked at, as preflights carry none.
 *
 * @param redirects paths that have GET alone
 */
export function cors(redirects: ReadonlySet<string>): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const origin = c.req.header('Origin') ?? '';
    if (c.req.method !== 'OPTIONS') {
      await next();
      if (c.res.status === 101) return;
      c.header('Vary', 'Origin', { append: true });
      if (origin !== '') c.header('Access-Control-Allow-Origin', '*');
      return;
    }
    c.header('Vary', 'Origin');
    const isRedirect = redirects.has(c.req.path);
    if (isRedirect) c.header('Allow', REDIRECT_METHODS);
    if (origin !== '') {
      c.header('Vary', 'Access-Control-Request-Method', { append: true });
      c.header('Vary', 'Access-Control-Request-Headers', { append: true });
      c.header('Access-Control-Allow-Origin', '*');
      c.header('Access-Control-Allow-Methods', isRedirect ? REDIRECT_METHODS : METHODS);
      const headers = c.req.header('Access-Control-Request-Headers') ?? '';
      if (headers !== '') c.header('Access-Control-Allow-Headers', headers);
    }
    return c.body(null, 204);
  };
}
