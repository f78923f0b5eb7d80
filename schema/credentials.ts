/**
 * What a caller may do, as Bacalhau names it. Only the method GET reads; `*` is everything, tokens included.
 * @see Bacalhau pkg/authz/capabilities.go
 */
export const capabilities = [
  'read:job',
  'write:job',
  'read:node',
  'write:node',
  'read:agent',
  'write:agent',
  'read:*',
  'write:*',
  '*',
] as const;
export type Capability = (typeof capabilities)[number];

/** A single capability, as a route asks for it. */
export type Need = Exclude<Capability, 'read:*' | 'write:*'>;

/** `session` is a bearer token that the login challenge gave for a public key. */
export const credentialKinds = ['key', 'user', 'publicKey', 'session'] as const;
export type CredentialKind = (typeof credentialKinds)[number];

/** All namespaces. */
export const ANY_NAMESPACE = '*';

/** Whether what somebody has covers what a route needs. */
export function hasCapability(has: readonly Capability[], need: Need): boolean {
  return has.some((capability) => {
    if (capability === '*' || capability === need) return true;
    return capability.endsWith(':*') && need.startsWith(capability.slice(0, -1));
  });
}
