import type { MiddlewareHandler } from 'hono';
import { ShoalError } from '../../../schema/errors.ts';
import type { Access, HttpEnv } from '../deps.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Open mode has no credentials, so it answers this machine alone: no other host name (an attacker's name may be made to
 * point here) and no web page of another origin, which could otherwise run containers on its visitor's machine.
 */
export function loopbackOnly(access: Access): MiddlewareHandler<HttpEnv> {
  const allowed = new Set(access.allowedOrigins.map((origin) => origin.toLowerCase()));
  return async (c, next) => {
    if (access.mode !== 'open') return next();
    const hosts = [new URL(c.req.url).hostname, hostName(c.req.header('Host'))];
    if (!hosts.every((host) => host === null || LOOPBACK.has(host))) {
      throw new ShoalError(
        'MisdirectedRequest',
        'an open installation answers only to 127.0.0.1, localhost and [::1]',
        {
          component: 'APIServer',
          hint: 'Use one of these hosts, or run Shoal in closed mode with credentials.',
        },
      );
    }
    const origin = c.req.header('Origin');
    if (origin !== undefined && !isLoopbackOrigin(origin) && !allowed.has(origin.toLowerCase())) {
      throw new ShoalError('Forbidden', 'requests from this origin are not allowed', {
        component: 'APIServer',
        hint: 'Add the origin to SHOAL_ALLOWED_ORIGINS to let its pages call this installation.',
      });
    }
    return next();
  };
}

/** The host of a `Host` header without its port; null when there is no header. */
function hostName(header: string | undefined): string | null {
  if (header === undefined) return null;
  const url = URL.parse(`http://${header}`);
  // A header that is no host is as foreign as any other.
  return url === null || url.pathname !== '/' || url.username !== '' ? '' : url.hostname;
}

function isLoopbackOrigin(origin: string): boolean {
  const url = URL.parse(origin);
  return url !== null && url.origin === origin.toLowerCase() && LOOPBACK.has(url.hostname);
}
