import { ShoalError } from '../../../schema/errors.ts';
import type { CredentialRecord } from '../../store/credentials.ts';
import type { Deps } from '../deps.ts';
import { base64Bytes, isEqualSecret, sha256Hex } from '../../crypto.ts';
import type { PasswordGate } from './password-gate.ts';
import { isPassword } from './password.ts';
import { operator, type Principal } from './principal.ts';

const BEARER = 'Bearer ';
const BASIC = 'Basic ';
/** No user's name is longer. */
const MAX_USER_CHARS = 101;

/** Where a request comes from, for what is counted by client. */
export interface Door {
  readonly gate: PasswordGate;
  /** Null where addresses are not known. */
  readonly address: string | null;
}

/**
 * Who shows this `Authorization` header.
 * @throws ShoalError 401 with the reason, 429 after too many passwords, 503 when an installation without any credential is asked
 */
export async function authenticate(deps: Deps, header: string | undefined, door: Door): Promise<Principal> {
  if (header === undefined || header === '') throw await refusal(deps, 'Missing Authorization header');
  // Blanks at the end of a header are cut off before it gets here.
  if (header === BEARER.trim()) throw await refusal(deps, 'empty API key provided');
  if (header.startsWith(BEARER)) return fromBearer(deps, header.slice(BEARER.length));
  if (header.startsWith(BASIC)) return fromBasic(deps, header.slice(BASIC.length), door);
  throw unauthorized('unsupported authentication method');
}

/** @throws ShoalError 401 unless the header shows the secret */
export async function requireSecret(header: string | undefined, secret: string): Promise<void> {
  if (header === undefined || header === '') throw unauthorized('Missing Authorization header');
  if (!header.startsWith(BEARER)) throw unauthorized('unsupported authentication method');
  if (!(await isEqualSecret(header.slice(BEARER.length), secret))) throw unauthorized('invalid API key');
}

async function fromBearer(deps: Deps, token: string): Promise<Principal> {
  const first = deps.access.adminToken ?? '';
  if (first !== '' && (await isEqualSecret(token, first))) return operator;
  if (isJwt(token)) throw unauthorized('OAuth2 authentication not configured on server');
  const lookup = await sha256Hex(token);
  const found = await deps.credentials.find(['key', 'session'], lookup, deps.now());
  if (found === null) throw await refusal(deps, 'invalid API key');
  return principalOf(found);
}

async function fromBasic(deps: Deps, encoded: string, { gate, address }: Door): Promise<Principal> {
  const bytes = base64Bytes(encoded);
  if (bytes === null) throw unauthorized('failed to decode basic auth credentials');
  const text = new TextDecoder().decode(bytes);
  const colon = text.indexOf(':');
  if (colon < 0) throw unauthorized('invalid basic auth credentials format');
  const name = text.slice(0, colon).toLowerCase();
  const user = await deps.credentials.find(['user'], name, deps.now());
  const client = address ?? name.slice(0, MAX_USER_CHARS);
  const matches = await isPassword(text.slice(colon + 1), user?.verifier ?? null, { gate, client });
  if (user === null || !matches) throw unauthorized('invalid basic auth credentials');
  return principalOf(user);
}

export function principalOf({ id, name, lookup, kind, ending, capabilities, namespaces }: CredentialRecord): Principal {
  const unnamed = kind === 'user' ? lookup : `API key ending in ...${ending}`;
  return { id, shown: name === '' ? unnamed : name, capabilities, namespaces };
}

/** Three parts, the first two of them JSON objects. */
function isJwt(token: string): boolean {
  const parts = token.split('.');
  return parts.length === 3 && parts.slice(0, 2).every(isJsonObject);
}

function isJsonObject(part: string): boolean {
  const bytes = base64Bytes(part);
  if (bytes === null || part === '') return false;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** While nobody can be let in at all, a refusal says what is missing. */
async function refusal(deps: Deps, reason: string): Promise<ShoalError> {
  if ((deps.access.adminToken ?? '') !== '' || (await deps.credentials.any(null, deps.now()))) {
    return unauthorized(reason);
  }
  return missingSecret('SHOAL_ADMIN_TOKEN');
}

function unauthorized(reason: string): ShoalError {
  return new ShoalError('Unauthorized', 'Request Unauthorized', {
    component: 'Authorizer',
    hint: 'Unauthorized principal. Event has been recorded.',
    details: { reason },
  });
}

export function missingSecret(name: string): ShoalError {
  return new ShoalError('ServiceUnavailable', `the secret ${name} is not set`, {
    component: 'Authorizer',
    hint: `Set it with: wrangler secret put ${name}`,
  });
}
