import type { MiddlewareHandler } from 'hono';
import { ShoalError } from '../../../schema/errors.ts';
import { EXECUTIONS_PATH } from '../../../schema/protocol/log-link.ts';
import { CONNECT_PATH } from '../../../schema/protocol/version.ts';
import type { Access, HttpEnv } from '../deps.ts';

/** What anybody may ask: whether it lives, and which version it is. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/api/v1/agent/alive', '/api/v1/agent/version']);

const BEARER = 'Bearer ';

/** Closed mode: every other path needs a credential, paths that do not exist too. */
export function requireCredential(access: Access): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    // An execution's own token is checked where its path is known.
    if (c.req.path.startsWith(`${EXECUTIONS_PATH}/`)) return next();
    if (access.mode === 'open' || OPEN_PATHS.has(c.req.path)) return next();
    const ofAgents = c.req.path === CONNECT_PATH;
    const name = ofAgents ? 'SHOAL_NODE_TOKEN' : 'SHOAL_ADMIN_TOKEN';
    const secret = (ofAgents ? access.nodeToken : access.adminToken) ?? '';
    if (secret === '') throw missingSecret(name);
    await checkBearer(c.req.header('Authorization'), secret);
    return next();
  };
}

async function checkBearer(header: string | undefined, secret: string): Promise<void> {
  if (header === undefined || header === '') throw unauthorized('Missing Authorization header');
  if (!header.startsWith(BEARER)) throw unauthorized('unsupported authentication method');
  const token = header.slice(BEARER.length);
  if (token === '') throw unauthorized('empty API key provided');
  if (!(await isEqual(token, secret))) throw unauthorized('invalid API key');
}

/** Compares digests, all of them: neither the length nor the first wrong character shows in the time. */
async function isEqual(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(a), digest(b)]);
  let difference = 0;
  for (const [i, byte] of left.entries()) difference |= byte ^ (right[i] ?? 0);
  return difference === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

function unauthorized(reason: string): ShoalError {
  return new ShoalError('Unauthorized', 'Request Unauthorized', {
    component: 'Authorizer',
    hint: 'Unauthorized principal. Event has been recorded.',
    details: { reason },
  });
}

function missingSecret(name: string): ShoalError {
  return new ShoalError('ServiceUnavailable', `the secret ${name} is not set`, {
    component: 'Authorizer',
    hint: `Set it with: wrangler secret put ${name}`,
  });
}
