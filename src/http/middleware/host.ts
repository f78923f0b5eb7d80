import type { MiddlewareHandler } from 'hono';
import { badRequest } from '../../../schema/errors.ts';
import { shown } from '../../../schema/problems.ts';
import type { HttpEnv } from '../deps.ts';

/** The longest name that DNS has, and a port. */
const MAX_HOST_CHARS = 253 + 6;
/** A name, an IPv4 address, or an IPv6 address in brackets; a port may follow. */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{0,5}))?$/;
const MAX_PORT = 65_535;

/**
 * Refuses a request whose `Host` header is none: the address of the request is made of it, so nothing behind could read
 * it. Two headers arrive as one with a comma in it.
 */
export const readableHost: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const host = c.req.header('Host');
  if ((host !== undefined && !isHost(host)) || !URL.canParse(c.req.url)) {
    throw badRequest(
      `Host: ${JSON.stringify(shown(host ?? ''))} given; one host name or address is allowed, with a port from 0 to ${MAX_PORT} or without`,
    );
  }
  return next();
};

function isHost(text: string): boolean {
  if (text.length > MAX_HOST_CHARS) return false;
  const match = HOST.exec(text);
  return match !== null && Number(match[1] ?? 0) <= MAX_PORT && URL.canParse(`http://${text}`);
}
