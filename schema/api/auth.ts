import { z } from 'zod';
import { capabilities } from '../credentials.ts';
import { NextToken, Time } from './common.ts';

/** Lower-case keys, as in Bacalhau. */
export const AuthMethod = z
  .object({
    type: z.literal('challenge').describe('Who signs the phrase proves to hold a key.'),
    params: z
      .object({ InputPhrase: z.string().describe('Base64 of what is to be signed.') })
      .describe('What it asks for.'),
  })
  .describe('A way to log in.');
export type AuthMethod = z.infer<typeof AuthMethod>;

export const ListAuthMethodsResponse = z.object({
  NextToken,
  Methods: z.record(z.string(), AuthMethod).describe('By name; empty when only passwords, keys and tokens are taken.'),
});
export type ListAuthMethodsResponse = z.infer<typeof ListAuthMethodsResponse>;

export const AuthenticateRequest = z.object({
  Name: z.string().optional().describe('Without effect: the path names the way.'),
  MethodData: z.string().optional().describe('Base64 of the JSON of a `ChallengeAnswer`.'),
});

/** An RSA PKCS#1 v1.5 signature with SHA-256 over the phrase. */
export const ChallengeAnswer = z.object({
  PhraseSignature: z.string().describe('Base64 of an RSA PKCS#1 v1.5 signature with SHA-256 over the phrase.'),
  PublicKey: z.string().describe('Base64 of the PKCS#1 `RSAPublicKey`.'),
});

export const AuthenticateResponse = z.object({
  Authentication: z
    .object({
      success: z.boolean().describe('Whether the login is good.'),
      token: z.string().optional().describe('Then sent as `Authorization: Bearer ...`, until it is refused.'),
      reason: z.string().optional().describe('Why it was refused.'),
    })
    .describe('How the login ended.'),
});
export type AuthenticateResponse = z.infer<typeof AuthenticateResponse>;

const tokenTypes = ['key', 'user', 'publicKey'] as const;
export type TokenType = (typeof tokenTypes)[number];

export const CreateTokenRequest = z.object({
  Type: z.enum(tokenTypes).optional().describe('`key` when absent.'),
  Name: z.string().optional().describe('How messages and lists name it.'),
  Username: z.string().optional().describe('Of a user: 1 to 100 letters and digits.'),
  Password: z.string().optional().describe('Of a user: 10 to 255 characters.'),
  PublicKey: z
    .string()
    .optional()
    .describe('RSA, at least 2048 bits: PEM, or base64 of the PKCS#1 key as clients send it.'),
  ClientID: z
    .string()
    .optional()
    .describe('In the place of `PublicKey`: the id by which a refused login names its key.'),
  Capabilities: z
    .array(z.string())
    .optional()
    .describe(`At least one of \`${capabilities.join('`, `')}\`.`),
  Namespaces: z.array(z.string()).optional().describe('All when absent or `*`.'),
  ExpiresIn: z.int().optional().describe('Seconds; never when absent or 0.'),
});
export type CreateTokenRequest = z.infer<typeof CreateTokenRequest>;

export const Token = z
  .object({
    ID: z.string().describe('By which it is revoked.'),
    Type: z.enum(tokenTypes).describe('A key, a user with a password, or a public key that may log in.'),
    Name: z.string().describe('How messages and lists name it.'),
    Username: z.string().optional().describe('Of a user, in lower case.'),
    ClientID: z.string().optional().describe('Of a public key: the id that clients make of it.'),
    Ending: z.string().optional().describe('The last characters of a key, by which its owner knows it.'),
    Capabilities: z.array(z.enum(capabilities)).describe('What it may do.'),
    Namespaces: z.array(z.string()).describe('Where; `*` means everywhere.'),
    CreateTime: Time,
    ExpireTime: Time,
  })
  .describe('A credential, without what would let anybody in.');
export type Token = z.infer<typeof Token>;

export const CreateTokenResponse = z.object({
  Token,
  Secret: z.string().optional().describe('Of a key; shown this once, as only its hash is kept.'),
});
export type CreateTokenResponse = z.infer<typeof CreateTokenResponse>;

export const ListTokensResponse = z.object({ NextToken, Items: z.array(Token).describe('The oldest first.') });
export type ListTokensResponse = z.infer<typeof ListTokensResponse>;

export const DeleteTokenResponse = z.object({ Success: z.literal(true).describe('It lets nobody in any more.') });
export type DeleteTokenResponse = z.infer<typeof DeleteTokenResponse>;
