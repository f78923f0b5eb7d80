/** What is used of Node's modules: the runtime has it, its own types do not name it, and those of Node would bring all of Node. */

declare module 'node:buffer' {
  export const Buffer: { from(bytes: Uint8Array): Uint8Array };
}

declare module 'node:crypto' {
  interface PublicKey {
    readonly asymmetricKeyType?: string;
    export(options: { format: 'jwk' }): { readonly n?: string; readonly e?: string };
    export(options: { format: 'der'; type: 'spki' }): Uint8Array;
  }

  /** @throws when the bytes are no key of this form */
  export function createPublicKey(key: { key: Uint8Array; format: 'der'; type: 'pkcs1' | 'spki' }): PublicKey;

  /** @throws when the lengths differ */
  export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean;
}
