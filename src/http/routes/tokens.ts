import {
  CreateTokenRequest,
  CreateTokenResponse,
  DeleteTokenResponse,
  ListTokensResponse,
  type TokenType,
} from '../../../schema/api/auth.ts';
import { ANY_NAMESPACE, capabilities, type Capability } from '../../../schema/credentials.ts';
import { badRequest, ShoalError } from '../../../schema/errors.ts';
import { problemText, shown } from '../../../schema/problems.ts';
import { MAX_NAME_CHARS, MAX_TOKEN_NAMESPACES } from '../../../schema/limits.ts';
import type { CredentialRecord } from '../../store/credentials.ts';
import { endingOf, newSecret } from '../auth/challenge.ts';
import { sha256Hex } from '../../crypto.ts';
import { hashPassword } from '../auth/password.ts';
import { clientIdOf, MIN_KEY_BITS, readPublicKey } from '../auth/rsa-key.ts';
import type { Deps } from '../deps.ts';
import { presentToken } from '../present-token.ts';
import { refusals } from './parameters.ts';
import { route, type Route } from './route.ts';

const TOKENS = '/api/v1/shoal/tokens';
const MAX_SECONDS = 100 * 365 * 24 * 3600;

/** Who may call: keys, users with passwords, and public keys that may log in. */
export const tokenRoutes: readonly Route[] = [
  route({
    id: 'listTokens',
    method: 'get',
    path: TOKENS,
    needs: 'operator',
    tag: 'Shoal',
    summary: 'List keys, users and public keys',
    answer: ListTokensResponse,
    takesCredentials: true,
    example: {},
    handle: async ({ deps }) => {
      const records = await deps.credentials.list(deps.now());
      return { NextToken: '', Items: records.map(presentToken) };
    },
  }),
  route({
    id: 'createToken',
    method: 'post',
    path: TOKENS,
    needs: 'operator',
    tag: 'Shoal',
    summary: 'Let somebody in: by a key, a password or a public key',
    body: CreateTokenRequest,
    answer: CreateTokenResponse,
    errors: { 400: refusals.unreadable, 409: 'The user or public key exists already.', 413: refusals.large },
    takesCredentials: true,
    example: { body: { Name: 'ci', Capabilities: ['read:job', 'write:job'], Namespaces: ['ci'], ExpiresIn: 86_400 } },
    handle: async ({ deps, body }) => createToken(deps, await body()),
  }),
  route({
    id: 'deleteToken',
    method: 'delete',
    path: `${TOKENS}/{id}`,
    needs: 'operator',
    tag: 'Shoal',
    summary: 'Revoke a key, user or public key with its sessions',
    answer: DeleteTokenResponse,
    errors: { 404: 'There is no such token.' },
    takesCredentials: true,
    example: { path: { id: 't-0c3b2f1e-5a5b-4a57-9a7e-1a6f5a1c9b3d' } },
    handle: async ({ deps, part }) => {
      const id = part('id');
      if (await deps.credentials.remove(id)) return { Success: true as const };
      throw new ShoalError('NotFound', `token not found: ${id}`, { component: 'Authorizer' });
    },
  }),
];

async function createToken(deps: Deps, request: CreateTokenRequest): Promise<CreateTokenResponse> {
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
  return { Token: presentToken(record), ...(secret !== '' && { Secret: secret }) };
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
