import { base64Bytes, rsaNumbers, sha256Hex, type RsaNumbers } from '../../crypto.ts';

/** The shortest key that is taken for a login. */
export const MIN_KEY_BITS = 2048;

export interface RsaKey extends RsaNumbers {
  /** Big-endian, without leading zeros. */
  readonly modulus: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a public key as Bacalhau's clients send it (base64 of the PKCS#1 `RSAPublicKey`), or as PEM of that or of an SPKI,
 * as OpenSSL writes it. Null when it is none.
 */
export function readPublicKey(text: string): RsaKey | null {
  const body = text.replaceAll(/-----[A-Z ]+-----/g, '').replaceAll(/\s/g, '');
  const der = base64Bytes(body);
  const numbers = der === null ? null : rsaNumbers(der);
  const modulus = numbers === null ? null : base64Bytes(numbers.n);
  return numbers === null || modulus === null || modulus.length === 0 ? null : { ...numbers, modulus };
}

/** How a client is known: SHA-256 over the modulus, lower-case hex. @see Bacalhau pkg/lib/crypto */
export function clientIdOf({ modulus }: RsaKey): Promise<string> {
  return sha256Hex(modulus);
}

/** Whether the signature is RSA PKCS#1 v1.5 with SHA-256 over the phrase. */
export async function verifies({ n, e }: RsaKey, phrase: string, signature: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  try {
    const jwk = { kty: 'RSA', n, e, alg: 'RS256', ext: true };
    const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify']);
    return await crypto.subtle.verify(algorithm.name, key, signature, new TextEncoder().encode(phrase));
  } catch {
    // A key that the platform does not take verifies nothing.
    return false;
  }
}
