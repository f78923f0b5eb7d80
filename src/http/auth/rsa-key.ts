import { base64Bytes, base64Url, hex } from '../../crypto.ts';

/** The shortest key that is taken for a login. */
export const MIN_KEY_BITS = 2048;

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;

export interface RsaKey {
  /** Big-endian, without leading zeros. */
  readonly modulus: Uint8Array<ArrayBuffer>;
  readonly exponent: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a public key as Bacalhau's clients send it (base64 of the PKCS#1 `RSAPublicKey`), or as PEM of that or of an SPKI,
 * as OpenSSL writes it. Null when it is none.
 */
export function readPublicKey(text: string): RsaKey | null {
  const body = text.replaceAll(/-----[A-Z ]+-----/g, '').replaceAll(/\s/g, '');
  const der = base64Bytes(body);
  if (der === null) return null;
  const parts = children(der);
  if (parts === null) return null;
  const [first, second] = parts;
  if (first?.tag === SEQUENCE && second?.tag === BIT_STRING) {
    // SPKI: the algorithm, then the key behind a byte that counts unused bits.
    return keyOf(children(second.bytes.slice(1)));
  }
  return keyOf(parts);
}

/** How a client is known: SHA-256 over the modulus, lower-case hex. @see Bacalhau pkg/lib/crypto */
export async function clientIdOf({ modulus }: RsaKey): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', modulus)));
}

/** Whether the signature is RSA PKCS#1 v1.5 with SHA-256 over the phrase. */
export async function verifies(
  { modulus, exponent }: RsaKey,
  phrase: string,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  try {
    const jwk = { kty: 'RSA', n: base64Url(modulus), e: base64Url(exponent), alg: 'RS256', ext: true };
    const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify']);
    return await crypto.subtle.verify(algorithm.name, key, signature, new TextEncoder().encode(phrase));
  } catch {
    // A key that the platform does not take verifies nothing.
    return false;
  }
}

interface Element {
  readonly tag: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function keyOf(parts: readonly Element[] | null): RsaKey | null {
  const [modulus, exponent] = parts ?? [];
  if (modulus?.tag !== INTEGER || exponent?.tag !== INTEGER) return null;
  const key = { modulus: withoutZeros(modulus.bytes), exponent: withoutZeros(exponent.bytes) };
  return key.modulus.length === 0 || key.exponent.length === 0 ? null : key;
}

function withoutZeros(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? new Uint8Array(0) : bytes.slice(first);
}

/** The elements of the DER sequence that the bytes are; null when they are none. */
function children(der: Uint8Array<ArrayBuffer>): Element[] | null {
  const outer = element(der, 0);
  if (outer === null || outer.tag !== SEQUENCE || outer.end !== der.length) return null;
  const parts: Element[] = [];
  for (let at = outer.start; at < outer.end;) {
    const part = element(der, at);
    if (part === null) return null;
    parts.push({ tag: part.tag, bytes: der.slice(part.start, part.end) });
    at = part.end;
  }
  return parts;
}

/** Where the content of the element at `at` starts and ends. */
function element(der: Uint8Array, at: number): { tag: number; start: number; end: number } | null {
  const tag = der[at];
  const first = der[at + 1];
  if (tag === undefined || first === undefined) return null;
  const more = first < 0x80 ? 0 : first - 0x80;
  if (more > 3) return null;
  let length = more === 0 ? first : 0;
  for (let i = 0; i < more; i++) length = length * 256 + (der[at + 2 + i] ?? 0);
  const start = at + 2 + more;
  const end = start + length;
  return end > der.length ? null : { tag, start, end };
}
