import {
  AuthenticateRequest,
  AuthenticateResponse,
  AuthMethod,
  ListAuthMethodsResponse,
} from '../../../schema/api/auth.ts';
import { log } from '../../log.ts';
import { challengeOf, CLIENT_KEY, logIn } from '../auth/challenge.ts';
import type { Deps } from '../deps.ts';
import { handleNotFound } from '../error-handler.ts';
import { answer } from '../json.ts';
import { refusals } from './parameters.ts';
import { route, type Route } from './route.ts';

const AUTH = '/api/v1/auth';
const noMethod =
  'There is no such way to log in; where credentials are asked for also while no public key is registered.';

/** How to log in. Bacalhau's command line does so before its first call, also where nobody needs to. */
export const authRoutes: readonly Route[] = [
  route({
    id: 'listAuthMethods',
    method: 'get',
    path: AUTH,
    needs: 'nobody',
    tag: 'Auth',
    summary: 'How one can log in',
    answer: ListAuthMethodsResponse,
    example: {},
    handle: async ({ deps }) => {
      const methods = (await hasChallenge(deps)) ? { [CLIENT_KEY]: await challengeOf(deps) } : {};
      return { NextToken: '', Methods: methods };
    },
  }),
  route({
    id: 'getAuthMethod',
    method: 'get',
    path: `${AUTH}/{method}`,
    needs: 'nobody',
    tag: 'Auth',
    summary: 'What one way to log in asks for',
    answer: AuthMethod,
    errors: { 404: noMethod },
    takesCredentials: true,
    example: { path: { method: CLIENT_KEY } },
    handle: async ({ c, deps, part }) =>
      part('method') === CLIENT_KEY && (await hasChallenge(deps)) ? challengeOf(deps) : handleNotFound(c),
  }),
  route({
    id: 'authenticate',
    method: 'post',
    path: `${AUTH}/{method}`,
    needs: 'nobody',
    tag: 'Auth',
    summary: 'Log in by signing the phrase of `GET /api/v1/auth/ClientKey`',
    body: AuthenticateRequest,
    answer: AuthenticateResponse,
    errors: {
      400: refusals.unreadable,
      401: 'The signature is not of this key, or the key is not registered: `Authentication.reason` says which.',
      404: noMethod,
      413: refusals.large,
    },
    takesCredentials: true,
    // A signature is good for minutes: this one shows its form.
    example: {
      path: { method: CLIENT_KEY },
      body: {
        Name: CLIENT_KEY,
        MethodData: btoa('{"PhraseSignature":"<base64 of the signature>","PublicKey":"<base64 of the PKCS#1 key>"}'),
      },
    },
    handle: async ({ c, deps, part, body }) => {
      if (part('method') !== CLIENT_KEY || !(await hasChallenge(deps))) return handleNotFound(c);
      const { MethodData: methodData = '' } = await body();
      const outcome = await logIn(deps, methodData);
      const success = 'token' in outcome;
      // Bacalhau's command line shows no reason: whoever runs the installation finds it here.
      if (!success) log('login.refused', { requestId: c.get('requestId'), reason: outcome.reason });
      return answer(c, { Authentication: { success, ...outcome } } satisfies AuthenticateResponse, success ? 200 : 401);
    },
  }),
];

/** In closed mode only keys that somebody registered can log in. */
async function hasChallenge(deps: Deps): Promise<boolean> {
  return deps.access.mode === 'open' || deps.credentials.any('publicKey', deps.now());
}
