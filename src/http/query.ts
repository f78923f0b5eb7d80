import { badRequest } from '../../schema/errors.ts';
import type { Ctx } from './deps.ts';

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False', '']);
export const MAX_UINT32 = 2 ** 32 - 1;
const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_INT64 = 2n ** 63n - 1n;

/**
 * The query of a request, read as Go binds it: names in any case, the first value counts, empty means absent.
 * Every reader throws ShoalError 400 that names the parameter.
 */
export class Query {
  readonly #values = new Map<string, string[]>();

  constructor(c: Ctx) {
    for (const [name, value] of new URL(c.req.url).searchParams) {
      const key = name.toLowerCase();
      const values = this.#values.get(key);
      if (values === undefined) this.#values.set(key, [value]);
      else values.push(value);
    }
  }

  /** Undefined when the parameter is not there at all; text is well-formed. */
  given(name: string): string | undefined {
    return this.#values.get(name)?.[0]?.toWellFormed();
  }

  text(name: string): string {
    return this.given(name) ?? '';
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  bool(name: string): boolean {
    const text = this.text(name);
    if (TRUE.has(text)) return true;
    if (FALSE.has(text)) return false;
    throw unreadable(name, 'strconv.ParseBool', text, 'invalid syntax');
  }

  /** 0 when absent. A number up to `most` beyond 2^53 is rounded down to it: nothing is numbered that high. */
  uint(name: string, most: bigint | number = MAX_UINT64): number {
    const text = this.text(name);
    if (text === '') return 0;
    if (!/^\d+$/.test(text)) throw unreadable(name, 'strconv.ParseUint', text, 'invalid syntax');
    if (BigInt(text) > most) throw unreadable(name, 'strconv.ParseUint', text, 'value out of range');
    return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
  }

  int(name: string): number {
    const text = this.text(name);
    if (text === '') return 0;
    if (!/^[+-]?\d+$/.test(text)) throw unreadable(name, 'strconv.ParseInt', text, 'invalid syntax');
    const value = BigInt(text.replace('+', ''));
    if (value > MAX_INT64 || value < -MAX_INT64 - 1n)
      throw unreadable(name, 'strconv.ParseInt', text, 'value out of range');
    return Number(text);
  }
}

function unreadable(name: string, by: string, text: string, why: string): Error {
  return badRequest(`query parameter ${name}: ${by}: parsing ${JSON.stringify(text)}: ${why}`);
}
