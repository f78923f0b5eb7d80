import type { ExecutionId } from '../../schema/ids.ts';
import { hex } from '../crypto.ts';
import type { ObjectStorage } from './runtime.ts';

const KEY = 'execution-token-key';
const KEY_BYTES = 32;
const algorithm = { name: 'HMAC', hash: 'SHA-256' } as const;

/**
 * Tokens by which an agent proves that an upload is about one execution. They are made from the execution's id and a key
 * that never leaves the object, so none of them is stored, and the same execution gets the same one however often it is
 * asked for.
 */
export class ExecutionTokens {
  readonly #storage: ObjectStorage;
  #key: Promise<CryptoKey> | null = null;

  constructor(storage: ObjectStorage) {
    this.#storage = storage;
  }

  async issue(executionId: ExecutionId): Promise<string> {
    const mac = await crypto.subtle.sign(algorithm, await this.#getKey(), encode(executionId));
    return hex(new Uint8Array(mac));
  }

  /** Takes the same time whatever is wrong with it. */
  async verify(executionId: string, token: string): Promise<boolean> {
    if (!/^[0-9a-f]{64}$/.test(token)) return false;
    const mac = Uint8Array.from(token.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    return crypto.subtle.verify(algorithm, await this.#getKey(), mac, encode(executionId));
  }

  #getKey(): Promise<CryptoKey> {
    this.#key ??= this.#loadKey();
    return this.#key;
  }

  async #loadKey(): Promise<CryptoKey> {
    let bytes = await this.#storage.get<Uint8Array>(KEY);
    if (bytes === undefined) {
      bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
      await this.#storage.put(KEY, bytes);
    }
    return crypto.subtle.importKey('raw', bytes, algorithm, false, ['sign', 'verify']);
  }
}

function encode(executionId: string): Uint8Array {
  return new TextEncoder().encode(executionId);
}
