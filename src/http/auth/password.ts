import type { PasswordCheck, PasswordGate } from './password-gate.ts';
import { base64Bytes, base64Url, hex, isEqualText, sha256Hex } from '../../crypto.ts';

/** The most that workerd derives with. */
const ROUNDS = 100_000;
const SALT_BYTES = 16;
const HASH_BITS = 256;
const SCHEME = 'pbkdf2-sha256';

/** Password checks that this isolate has done: each costs tens of milliseconds, and a client sends one with each request. */
const verified = new Set<string>();
const MAX_VERIFIED = 1_000;

/** `pbkdf2-sha256$<rounds>$<salt>$<hash>`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  return [SCHEME, ROUNDS, base64Url(salt), await derive(password, salt, ROUNDS)].join('$');
}

/**
 * A password that was right before waits for nothing.
 * @param verifier null when there is no such user: the check then takes as long and fails
 * @throws ShoalError 429 when the gate lets nobody in
 */
export async function isPassword(
  password: string,
  verifier: string | null,
  { gate, client }: { readonly gate: PasswordGate; readonly client: string },
): Promise<boolean> {
  const credential = `${verifier ?? ''} ${await sha256Hex(password)}`;
  const isKnown = () => verified.has(credential);
  if (isKnown()) return true;
  const check: PasswordCheck = { client, isUser: verifier !== null, credential, isKnown };
  await gate.enter(check);
  const isRight = isKnown() || (await matches(password, verifier));
  gate.leave(check, isRight);
  if (!isRight) return false;
  if (verified.size >= MAX_VERIFIED) verified.clear();
  verified.add(credential);
  return true;
}

async function matches(password: string, verifier: string | null): Promise<boolean> {
  const [scheme, rounds = '', saltText = '', hash = ''] = (verifier ?? '').split('$');
  const salt = base64Bytes(saltText);
  const usable = scheme === SCHEME && salt !== null && salt.length > 0;
  const derived = await derive(password, usable ? salt : new Uint8Array(SALT_BYTES), usable ? Number(rounds) : ROUNDS);
  return usable && isEqualText(derived, hash);
}

async function derive(password: string, salt: Uint8Array<ArrayBuffer>, iterations: number): Promise<string> {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, ['deriveBits']);
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, HASH_BITS);
  return hex(new Uint8Array(bits));
}
