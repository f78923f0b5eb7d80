import { createHash, generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { base64, base64Bytes, base64Url, hex, isEqualSecret, isEqualText, rsaNumbers, sha256Hex } from './crypto.ts';

const bytes = fc.uint8Array({ maxLength: 40 });

test('bytes as text are what Node makes of them, and read again', () => {
  fc.assert(
    fc.property(bytes, (data) => {
      const buffer = Buffer.from(data);
      expect([hex(data), base64(data), base64Url(data)]).toEqual(
        (['hex', 'base64', 'base64url'] as const).map((form) => buffer.toString(form)),
      );
      expect([base64Bytes(base64(data)), base64Bytes(base64Url(data))]).toEqual([data, data]);
    }),
  );
  expect(['!', 'a', 'a=b'].map(base64Bytes)).toEqual([null, null, null]);
});

test('digests of text and bytes', async () => {
  const want = createHash('sha256').update('ü').digest('hex');
  expect([await sha256Hex('ü'), await sha256Hex(new TextEncoder().encode('ü'))]).toEqual([want, want]);
});

test('equal texts, and no others, are equal', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(text, text, async (a, b) => {
      for (const other of [a, b]) {
        const want = a.toWellFormed() === other.toWellFormed();
        expect([isEqualText(a, other), await isEqualSecret(a, other)]).toEqual([want, want]);
      }
    }),
  );
});

describe('an RSA key', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const { n, e } = publicKey.export({ format: 'jwk' });
  const [pkcs1, spki] = (['pkcs1', 'spki'] as const).map((type) => publicKey.export({ type, format: 'der' }));

  test('is read of both of its forms', () => {
    expect([pkcs1, spki].map((der) => rsaNumbers(der ?? Buffer.alloc(0)))).toEqual([
      { n, e },
      { n, e },
    ]);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a text', Buffer.from('hello')],
    ['a key that is cut off', pkcs1?.subarray(0, -1)],
    ['a key with something behind it', Buffer.concat([pkcs1 ?? Buffer.alloc(0), Buffer.alloc(1)])],
    ['a key of another kind', generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' })],
    [
      'a private key',
      generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs1', format: 'der' }),
    ],
  ])('is not read of %s', (_, der) => {
    expect(rsaNumbers(der ?? Buffer.alloc(0))).toBeNull();
  });

  test('is none of any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (data) => rsaNumbers(data) === null));
  });
});
