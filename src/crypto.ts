import { Buffer } from 'node:buffer';
import { createPublicKey, timingSafeEqual } from 'node:crypto';

/** Bytes as text, digests, and what is compared in secret: once for all of the Worker. */

const encoder = new TextEncoder();

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Standard base64, padded. */
export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** URL-safe base64 without padding. */
export function base64Url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The bytes of standard or URL-safe base64, padded or not; null when it is none. */
export function base64Bytes(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(binary, (unit) => unit.charCodeAt(0));
  } catch {
    // InvalidCharacterError: the only one that atob throws.
    return null;
  }
}

/** SHA-256 of bytes, or of a text in UTF-8. */
async function sha256(data: string | Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', typeof data === 'string' ? encoder.encode(data) : data));
}

/** The same in lower-case hex. */
export async function sha256Hex(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(await sha256(data));
}

/** Compares digests: neither the length nor the first wrong character shows in the time. */
export async function isEqualSecret(a: string, b: string): Promise<boolean> {
  return timingSafeEqual(await sha256(a), await sha256(b));
}

/** For texts whose length is no secret, in a time that does not tell where they differ. */
export function isEqualText(a: string, b: string): boolean {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** A public RSA key as a JSON Web Key has it: big-endian without leading zeros, URL-safe base64. */
export interface RsaNumbers {
  readonly n: string;
  readonly e: string;
}

/** Reads DER: PKCS#1 `RSAPublicKey`, or an SPKI of one. Null when it is neither. */
export function rsaNumbers(der: Uint8Array): RsaNumbers | null {
  for (const type of ['pkcs1', 'spki'] as const) {
    try {
      const key = createPublicKey({ key: Buffer.from(der), format: 'der', type });
      if (key.asymmetricKeyType !== 'rsa') continue;
      // OpenSSL takes a private key too, and does not look at what follows a key. An SPKI ends with its PKCS#1 key.
      if (!hex(key.export({ format: 'der', type: 'spki' })).endsWith(hex(der))) continue;
      const { n, e } = key.export({ format: 'jwk' });
      if (n !== undefined && e !== undefined) return { n, e };
    } catch {
      // OpenSSL's error for bytes of another form: the next one is tried.
    }
  }
  return null;
}
