import type { MiddlewareHandler } from 'hono';
import { log } from '../../log.ts';
import { nobody, type Principal } from '../auth/principal.ts';
import type { Ctx, Deps, HttpEnv } from '../deps.ts';

const ID_CHARS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 32;
const MAX_GIVEN_ID_CHARS = 256;

/**
 * Gives each request an id, its own or a new one, and writes one line when it is answered. The line holds no query and
 * no header: either may carry a credential.
 */
export function requestLog(deps: Deps): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const start = deps.now();
    const given = c.req.header('X-Request-Id') ?? '';
    const requestId = given === '' ? randomId() : given.slice(0, MAX_GIVEN_ID_CHARS);
    c.set('requestId', requestId);
    c.set('logFields', {});
    await next();
    const { status } = c.res;
    // An upgraded response belongs to the socket; its headers cannot be changed any more.
    if (status !== 101) c.header('X-Request-Id', requestId);
    log(
      'request',
      {
        requestId,
        method: c.req.method,
        path: c.req.path,
        status,
        outcome: status < 400 ? 'ok' : 'error',
        ms: deps.now() - start,
        principal: principalOf(c),
        ...c.get('logFields'),
      },
      status >= 500 ? 'error' : 'info',
    );
  };
}

/** Who shows no credential that counts is nobody, also where the rest of the API asks for none. */
function principalOf(c: Ctx): string {
  // Not set where a request is refused before anybody asks who it is from.
  const principal: Principal | undefined = c.get('principal');
  return c.res.status === 401 ? nobody.id : (principal ?? nobody).id;
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_LENGTH));
  return Array.from(bytes, (byte) => ID_CHARS[byte % ID_CHARS.length]).join('');
}
