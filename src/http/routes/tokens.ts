import type { Hono } from 'hono';
import {
  CreateTokenRequest,
  type CreateTokenResponse,
  type DeleteTokenResponse,
  type ListTokensResponse,
  type TokenType,
} from '../../../schema/api/auth.ts';
import { ANY_NAMESPACE, capabilities, type Capability } from '../../../schema/credentials.ts';
import { badRequest, ShoalError } from '../../../schema/errors.ts';
import { bind } from '../../../schema/job/bind.ts';
import { problemText, shown } from '../../../schema/problems.ts';
import { MAX_NAME_CHARS, MAX_TOKEN_NAMESPACES } from '../../../schema/limits.ts';
import type { CredentialRecord } from '../../store/credentials.ts';
import { endingOf, newSecret } from '../auth/challenge.ts';
import { sha256Hex } from '../../crypto.ts';
import { hashPassword } from '../auth/password.ts';
import { requireOperator } from '../auth/principal.ts';
import { clientIdOf, MIN_KEY_BITS, readPublicKey } from '../auth/rsa-key.ts';
import { readJsonBody } from '../body.ts';
import type { Ctx, Deps, HttpEnv } from '../deps.ts';
import { answer } from '../json.ts';
import { presentToken } from '../present-token.ts';

const TOKENS = '/api/v1/shoal/tokens';
const MAX_SECONDS = 100 * 365 * 24 * 3600;

/** Who may call: keys, users with passwords, and public keys that may log in. */
export function addTokenRoutes(app: Hono<HttpEnv>, deps: Deps): void {
  app.get(TOKENS, (c) => listTokens(c, deps));
  app.post(TOKENS, (c) => createToken(c, deps));
  app.delete(`${TOKENS}/:id`, (c) => deleteToken(c, deps, c.req.param('id')));
}

async function listTokens(c: Ctx, deps: Deps): Promise<Response> {
  requireOperator(c);
  const records = await deps.credentials.list(deps.now());
  return answer(c, { NextToken: '', Items: records.map(presentToken) } satisfies ListTokensResponse);
}

async function createToken(c: Ctx, deps: Deps): Promise<Response> {
  requireOperator(c);
  const request = bind(CreateTokenRequest, (await readJsonBody(c)) ?? {});
  const { Type: type = 'key' } = request;
  const problems = problemsOf(request, type);
  if (problems.length > 0) throw badRequest(problemText(problems));
  const { secret, ...proof } = await proofOf(request, type);
  const now = deps.now();
  const { ExpiresIn: seconds = 0, Namespaces: namespaces = [] } = request;
  const record: CredentialRecord = {
    id: `t-${deps.newId()}`,
    kind: type,
    name: request.Name ?? '',
    ...proof,
    parent: '',
    capabilities: [...new Set((request.Capabilities ?? []) as Capability[])],
    namespaces: namespaces.length === 0 ? [ANY_NAMESPACE] : [...new Set(namespaces)],
    createdAt: now,
    expiresAt: seconds === 0 ? 0 : now + seconds * 1000,
  };
  if (!(await deps.credentials.add(record))) {
    throw new ShoalError('ResourceInUse', `${type === 'user' ? 'user' : 'public key'} already exists`, {
      component: 'Authorizer',
      hint: 'Delete the other one first.',
    });
  }
  return answer(c, {
    Token: presentToken(record),
    ...(secret !== '' && { Secret: secret }),
  } satisfies CreateTokenResponse);
}

async function deleteToken(c: Ctx, deps: Deps, id: string): Promise<Response> {
  requireOperator(c);
  if (!(await deps.credentials.remove(id))) {
    throw new ShoalError('NotFound', `token not found: ${id}`, { component: 'Authorizer' });
  }
  return answer(c, { Success: true } satisfies DeleteTokenResponse);
}

function problemsOf(request: CreateTokenRequest, type: TokenType): string[] {
  const { Capabilities: asked = [], Namespaces: namespaces = [], ExpiresIn: seconds = 0, Name: name = '' } = request;
  const known: readonly string[] = capabilities;
  return [
    ...(asked.length === 0 ? [`Capabilities: at least one of ${capabilities.join(', ')}`] : []),
    ...asked
      .filter((text) => !known.includes(text))
      .map((text) => `Capabilities: unknown ${JSON.stringify(shown(text))}`),
    ...(namespaces.some((text) => text === '') ? ['Namespaces: a namespace is not empty'] : []),
    ...(namespaces.length > MAX_TOKEN_NAMESPACES ? [`Namespaces: at most ${MAX_TOKEN_NAMESPACES}`] : []),
    ...(seconds < 0 || seconds > MAX_SECONDS ? [`ExpiresIn: 0 to ${MAX_SECONDS} seconds`] : []),
    ...(name.length > MAX_NAME_CHARS ? [`Name: at most ${MAX_NAME_CHARS} characters`] : []),
    ...proofProblems(request, type),
  ];
}

function proofProblems(request: CreateTokenRequest, type: TokenType): string[] {
  const { Username: user = '', Password: password = '', PublicKey: key = '', ClientID: clientId = '' } = request;
  if (type === 'user') {
    return [
      ...(/^[A-Za-z0-9]{1,100}$/.test(user) ? [] : ['Username: 1 to 100 letters and digits']),
      ...(password.length >= 10 && password.length <= 255 ? [] : ['Password: 10 to 255 characters']),
    ];
  }
  if (type !== 'publicKey') return [];
  if (key === '') return /^[0-9a-f]{64}$/.test(clientId) ? [] : ['PublicKey or ClientID: one of them is needed'];
  const modulus = readPublicKey(key)?.modulus;
  return modulus !== undefined && modulus.length * 8 >= MIN_KEY_BITS
    ? []
    : [`PublicKey: an RSA public key of at least ${MIN_KEY_BITS} bits, as PEM or base64 of PKCS#1`];
}

/** What is kept of how the caller will prove who it is, and the secret that is shown once. */
async function proofOf(
  request: CreateTokenRequest,
  type: TokenType,
): Promise<{ secret: string; lookup: string; verifier: string; ending: string }> {
  if (type === 'user') {
    const verifier = await hashPassword(request.Password ?? '');
    return { secret: '', lookup: (request.Username ?? '').toLowerCase(), verifier, ending: '' };
  }
  if (type === 'publicKey') {
    const key = readPublicKey(request.PublicKey ?? '');
    const lookup = key === null ? (request.ClientID ?? '') : await clientIdOf(key);
    return { secret: '', lookup, verifier: '', ending: '' };
  }
  const secret = newSecret();
  return { secret, lookup: await sha256Hex(secret), verifier: '', ending: endingOf(secret) };
}
