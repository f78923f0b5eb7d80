import { badRequest } from './errors.ts';
import { MAX_JSON_BYTES, MAX_JSON_DEPTH, MAX_JSON_VALUES } from './limits.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;
/** `data:` in ASCII. */
const DATA = [0x64, 0x61, 0x74, 0x61, 0x3a] as const;

/** What a JSON text may hold. Each at most so many, bytes of UTF-8. */
export interface JsonBounds {
  readonly values: number;
  readonly depth: number;
  /** Without texts that begin with `data:`. */
  readonly bytes: number;
}

const defaultBounds: JsonBounds = { values: MAX_JSON_VALUES, depth: MAX_JSON_DEPTH, bytes: MAX_JSON_BYTES };

/** What was found of a JSON text. */
export interface JsonSize {
  /** Where the first object or list ends, or the length of the text when it does not begin with one. */
  readonly end: number;
  readonly values: number;
}

/**
 * Looks over a JSON text once, before anything is made of it: a parser makes objects of some ten times its size, and
 * whatever follows looks at each of them.
 *
 * @param json UTF-8. Whether it is JSON at all is for the parser to say
 * @throws ShoalError 400 for too many values or too deep nesting, 413 for too many bytes; each names its bound
 */
export function checkJsonBounds(json: Uint8Array, bounds: JsonBounds = defaultBounds): JsonSize {
  return new Scan(json, bounds).run();
}

class Scan {
  readonly #json: Uint8Array;
  readonly #bounds: JsonBounds;
  #at = 0;
  #values = 0;
  #depth = 0;
  /** Bytes of texts that begin with `data:`, without their first quotes. */
  #free = 0;
  #endsInText = false;

  constructor(json: Uint8Array, bounds: JsonBounds) {
    this.#json = json;
    this.#bounds = bounds;
  }

  run(): JsonSize {
    const { length } = this.#json;
    if (BYTE_ORDER_MARK.every((byte, i) => this.#json[i] === byte)) this.#at = BYTE_ORDER_MARK.length;
    while (this.#at < length) {
      const closes = this.#step();
      if (this.#at - this.#free > this.#bounds.bytes) throw this.#tooManyBytes();
      if (this.#values > this.#bounds.values) throw this.#tooMany();
      if (closes && this.#depth === 0) break;
    }
    return { end: this.#at, values: this.#values };
  }

  /** Goes past one sign, text or literal; true after the end of an object or list. */
  #step(): boolean {
    const byte = this.#json[this.#at];
    switch (byte) {
      case 0x7b: // {
      case 0x5b: // [
        this.#open();
        return false;
      case 0x7d: // }
      case 0x5d: // ]
        this.#at += 1;
        this.#depth -= 1;
        this.#endsInText = false;
        return true;
      case QUOTE:
        this.#text();
        return false;
      case COLON:
        // What came before was a key.
        if (this.#endsInText) this.#values -= 1;
        this.#at += 1;
        this.#endsInText = false;
        return false;
      case undefined:
      default:
        if (byte === COMMA || isBlank(byte)) this.#at += 1;
        else this.#literal();
        return false;
    }
  }

  #open(): void {
    this.#at += 1;
    this.#values += 1;
    this.#depth += 1;
    this.#endsInText = false;
    if (this.#depth > this.#bounds.depth) {
      throw badRequest(
        `request body: JSON nested more than ${this.#bounds.depth} deep at byte ${this.#at} of ${this.#json.length}; ` +
          `at most ${this.#bounds.depth} levels are allowed`,
      );
    }
  }

  #text(): void {
    const start = this.#at + 1;
    this.#at = this.#endOfText(start);
    this.#values += 1;
    this.#endsInText = true;
    if (DATA.every((byte, i) => this.#json[start + i] === byte)) this.#free += this.#at - start;
  }

  /** The place behind the closing quote. Most texts hold no escape: then the platform's own search finds it. */
  #endOfText(start: number): number {
    const json = this.#json;
    const quote = json.indexOf(QUOTE, start);
    if (quote < 0) return json.length;
    if (json[quote - 1] !== BACKSLASH) return quote + 1;
    let at = start;
    while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
    return Math.min(at + 1, json.length);
  }

  #literal(): void {
    this.#values += 1;
    this.#endsInText = false;
    do this.#at += 1;
    while (this.#at < this.#json.length && !endsLiteral(this.#json[this.#at]));
  }

  #tooMany(): Error {
    const { values } = this.#bounds;
    return badRequest(
      `request body: more than ${values} JSON values, counted up to byte ${this.#at} of ${this.#json.length}; ` +
        `at most ${values} are allowed`,
    );
  }

  #tooManyBytes(): Error {
    const { bytes } = this.#bounds;
    return badRequest(
      `request body: ${this.#json.length} bytes, more than ${bytes} of them outside of texts that begin with "data:"; ` +
        `at most ${bytes} are allowed`,
      413,
      'Put large inputs into storage and name them in InputSources.',
    );
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function endsLiteral(byte: number | undefined): boolean {
  switch (byte) {
    case 0x7b:
    case 0x5b:
    case 0x7d:
    case 0x5d:
    case QUOTE:
    case COLON:
    case COMMA:
      return true;
    case undefined:
    default:
      return isBlank(byte);
  }
}
