import type { Hono } from 'hono';
import {
  AuthenticateRequest,
  type AuthenticateResponse,
  type ListAuthMethodsResponse,
} from '../../../schema/api/auth.ts';
import { bind } from '../../../schema/job/bind.ts';
import { log } from '../../log.ts';
import { challengeOf, CLIENT_KEY, logIn } from '../auth/challenge.ts';
import { readJsonBody } from '../body.ts';
import type { Ctx, Deps, HttpEnv } from '../deps.ts';
import { handleNotFound } from '../error-handler.ts';
import { answer } from '../json.ts';

const AUTH = '/api/v1/auth';

/** How to log in. Bacalhau's command line does so before its first call, also where nobody needs to. */
export function addAuthRoutes(app: Hono<HttpEnv>, deps: Deps): void {
  app.get(AUTH, async (c) => {
    const methods = (await hasChallenge(deps)) ? { [CLIENT_KEY]: await challengeOf(deps) } : {};
    return answer(c, { NextToken: '', Methods: methods } satisfies ListAuthMethodsResponse);
  });
  app.get(`${AUTH}/:method`, async (c) => {
    if (c.req.param('method') !== CLIENT_KEY || !(await hasChallenge(deps))) return handleNotFound(c);
    return answer(c, await challengeOf(deps));
  });
  app.post(`${AUTH}/:method`, async (c) => {
    if (c.req.param('method') !== CLIENT_KEY || !(await hasChallenge(deps))) return handleNotFound(c);
    return authenticate(c, deps);
  });
}

/** In closed mode only keys that somebody registered can log in. */
async function hasChallenge(deps: Deps): Promise<boolean> {
  return deps.access.mode === 'open' || deps.credentials.any('publicKey', deps.now());
}

async function authenticate(c: Ctx, deps: Deps): Promise<Response> {
  const { MethodData: methodData = '' } = bind(AuthenticateRequest, (await readJsonBody(c)) ?? {});
  const outcome = await logIn(deps, methodData);
  const success = 'token' in outcome;
  // Bacalhau's command line shows no reason: whoever runs the installation finds it here.
  if (!success) log('login.refused', { requestId: c.get('requestId'), reason: outcome.reason });
  return answer(c, { Authentication: { success, ...outcome } } satisfies AuthenticateResponse, success ? 200 : 401);
}
