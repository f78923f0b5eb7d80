import { z } from 'zod';
import { capabilities } from '../credentials.ts';
import { NextToken, Time } from './common.ts';

/** Lower-case keys, as in Bacalhau. The phrase is base64; who signs it proves to hold a key. */
export const AuthMethod = z.object({ type: z.literal('challenge'), params: z.object({ InputPhrase: z.string() }) });
export type AuthMethod = z.infer<typeof AuthMethod>;

/** Empty when only passwords, keys and tokens are taken. */
export const ListAuthMethodsResponse = z.object({ NextToken, Methods: z.record(z.string(), AuthMethod) });
export type ListAuthMethodsResponse = z.infer<typeof ListAuthMethodsResponse>;

export const AuthenticateRequest = z.object({
  Name: z.string().optional(),
  /** Base64 of the JSON of `ChallengeAnswer`. */
  MethodData: z.string().optional(),
});

/** Both base64: an RSA PKCS#1 v1.5 signature with SHA-256 over the phrase, and the PKCS#1 `RSAPublicKey`. */
export const ChallengeAnswer = z.object({ PhraseSignature: z.string(), PublicKey: z.string() });

export const AuthenticateResponse = z.object({
  Authentication: z.object({
    success: z.boolean(),
    token: z.string().optional(),
    reason: z.string().optional(),
  }),
});
export type AuthenticateResponse = z.infer<typeof AuthenticateResponse>;

const tokenTypes = ['key', 'user', 'publicKey'] as const;
export type TokenType = (typeof tokenTypes)[number];

export const CreateTokenRequest = z.object({
  /** `key` when absent. */
  Type: z.enum(tokenTypes).optional(),
  /** How messages and lists name it. */
  Name: z.string().optional(),
  /** Of a user: 1 to 100 letters and digits. */
  Username: z.string().optional(),
  /** Of a user: 10 to 255 characters. */
  Password: z.string().optional(),
  /** RSA, at least 2048 bits: PEM, or base64 of the PKCS#1 key as clients send it. */
  PublicKey: z.string().optional(),
  /** In the place of `PublicKey`: the id by which a refused login names its key. */
  ClientID: z.string().optional(),
  Capabilities: z.array(z.string()).optional(),
  /** All when absent or `*`. */
  Namespaces: z.array(z.string()).optional(),
  /** Seconds; never when absent or 0. */
  ExpiresIn: z.int().optional(),
});
export type CreateTokenRequest = z.infer<typeof CreateTokenRequest>;

export const Token = z.object({
  ID: z.string(),
  Type: z.enum(tokenTypes),
  Name: z.string(),
  Username: z.string().optional(),
  ClientID: z.string().optional(),
  /** The last characters of a key. */
  Ending: z.string().optional(),
  Capabilities: z.array(z.enum(capabilities)),
  Namespaces: z.array(z.string()),
  CreateTime: Time,
  /** `0001-01-01T00:00:00Z` when it never expires. */
  ExpireTime: Time,
});
export type Token = z.infer<typeof Token>;

/** The secret is shown once: only its hash is kept. */
export const CreateTokenResponse = z.object({ Token, Secret: z.string().optional() });
export type CreateTokenResponse = z.infer<typeof CreateTokenResponse>;

export const ListTokensResponse = z.object({ NextToken, Items: z.array(Token) });
export type ListTokensResponse = z.infer<typeof ListTokensResponse>;

export const DeleteTokenResponse = z.object({ Success: z.literal(true) });
export type DeleteTokenResponse = z.infer<typeof DeleteTokenResponse>;
