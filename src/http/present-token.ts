import { ZERO_TIME } from '../../schema/api/common.ts';
import type { Token } from '../../schema/api/auth.ts';
import type { CredentialRecord } from '../store/credentials.ts';

/** A credential as its owner sees it: nothing that would let anybody in. Sessions are not shown. */
export function presentToken(record: CredentialRecord): Token {
  const { kind, lookup, ending, expiresAt } = record;
  return {
    ID: record.id,
    Type: kind === 'session' ? 'key' : kind,
    Name: record.name,
    ...(kind === 'user' && { Username: lookup }),
    ...(kind === 'publicKey' && { ClientID: lookup }),
    ...(ending !== '' && { Ending: ending }),
    Capabilities: [...record.capabilities],
    Namespaces: [...record.namespaces],
    CreateTime: new Date(record.createdAt).toISOString(),
    ExpireTime: expiresAt === 0 ? ZERO_TIME : new Date(expiresAt).toISOString(),
  };
}
