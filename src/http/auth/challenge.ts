import { ChallengeAnswer, type AuthMethod } from '../../../schema/api/auth.ts';
import { badRequest } from '../../../schema/errors.ts';
import type { EpochMs } from '../../../schema/ids.ts';
import { bind } from '../../../schema/job/bind.ts';
import type { Deps } from '../deps.ts';
import { parseJson } from '../body.ts';
import { base64Bytes, base64Url, sha256Hex } from '../../crypto.ts';
import { clientIdOf, MIN_KEY_BITS, readPublicKey, verifies, type RsaKey } from './rsa-key.ts';

export const CLIENT_KEY = 'ClientKey';

/** A signature is good for this long at least, and for twice as long at most: seen once, it is no key for ever. */
const PHRASE_MS = 10 * 60_000;
const TOKEN_BYTES = 32;
const ENDING_CHARS = 5;

/** A login that is answered with a token, or refused with a reason. */
type Outcome = { readonly token: string } | { readonly reason: string };

/** What a client must sign. */
export async function challengeOf(deps: Deps): Promise<AuthMethod> {
  const phrase = phraseAt(await deps.reads.orchestratorId(), deps.now());
  return { type: 'challenge', params: { InputPhrase: btoa(phrase) } };
}

function phraseAt(nodeId: string, at: EpochMs): string {
  return `${nodeId}.${Math.floor(at / PHRASE_MS)}`;
}

/**
 * Checks the answer to a challenge. In open mode any key gets a token that means nothing, as everybody may do everything;
 * in closed mode the key must be registered.
 * @throws ShoalError 400 when the answer cannot be read
 */
export async function logIn(deps: Deps, methodData: string): Promise<Outcome> {
  const { key, signature } = readAnswer(methodData);
  const nodeId = await deps.reads.orchestratorId();
  const now = deps.now();
  const phrases = [phraseAt(nodeId, now), phraseAt(nodeId, now - PHRASE_MS)];
  const checks = await Promise.all(phrases.map((phrase) => verifies(key, phrase, signature)));
  if (!checks.includes(true)) return { reason: 'crypto/rsa: verification error' };
  const clientId = await clientIdOf(key);
  if (deps.access.mode === 'open') return { token: `open-${clientId}` };
  if (key.modulus.length * 8 < MIN_KEY_BITS) return { reason: `public key is shorter than ${MIN_KEY_BITS} bits` };
  const registered = await deps.credentials.find(['publicKey'], clientId, now);
  if (registered === null) return { reason: `public key is not registered: client ID ${clientId}` };
  const token = newSecret();
  const added = await deps.credentials.add({
    id: `t-${deps.newId()}`,
    kind: 'session',
    name: registered.name === '' ? clientId : registered.name,
    lookup: await sha256Hex(token),
    verifier: '',
    ending: endingOf(token),
    parent: registered.id,
    capabilities: registered.capabilities,
    namespaces: registered.namespaces,
    createdAt: now,
    expiresAt: earlier(registered.expiresAt, deps.access.loginMs === 0 ? 0 : now + deps.access.loginMs),
  });
  return added ? { token } : { reason: 'public key was revoked' };
}

/** Of two moments; 0 is none. */
function earlier(a: EpochMs, b: EpochMs): EpochMs {
  return a === 0 || b === 0 ? a + b : Math.min(a, b);
}

/** A random text that nobody guesses. */
export function newSecret(): string {
  return `shoal_${base64Url(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)))}`;
}

export function endingOf(secret: string): string {
  return secret.slice(-ENDING_CHARS);
}

function readAnswer(methodData: string): { key: RsaKey; signature: Uint8Array<ArrayBuffer> } {
  const refuse = (why: string): Error => badRequest(`invalid authentication data: ${why}`);
  const bytes = base64Bytes(methodData);
  if (bytes === null || bytes.length === 0) throw refuse('MethodData is no base64');
  const { PhraseSignature, PublicKey } = bind(
    ChallengeAnswer,
    parseJson(bytes, () => refuse('MethodData holds no JSON')),
  );
  const signature = base64Bytes(PhraseSignature);
  const key = readPublicKey(PublicKey);
  if (signature === null) throw refuse('PhraseSignature is no base64');
  if (key === null) throw refuse('PublicKey is no RSA public key');
  return { key, signature };
}
