import { Buffer } from 'node:buffer';

/** So much of a stream's end is looked for; long enough not to come twice by chance. */
const TAIL_BYTES = 4096;
/** What is shorter may well come twice. */
const SURE_BYTES = 64;
const NEWLINE = 10;

/** Keeps the end of what is pushed. */
export class Tail {
  #bytes: Buffer = Buffer.alloc(0);

  get bytes(): Buffer {
    return this.#bytes;
  }

  push(bytes: Uint8Array): void {
    const rest = this.#bytes.subarray(Math.max(0, this.#bytes.length + bytes.length - TAIL_BYTES));
    this.#bytes = Buffer.concat([rest, bytes.subarray(-TAIL_BYTES)]);
  }
}

export interface Found {
  /** How much of what was pushed is known. */
  readonly known: number;
  readonly isFound: boolean;
  /** It may be more or less. */
  readonly isDoubtful: boolean;
}

/** Finds the end of what is known of a stream in a later reading of it, which begins somewhere before that end. */
export class Overlap {
  readonly #tail: Buffer;
  #head: Buffer = Buffer.alloc(0);
  /** What was pushed last, shorter than the tail by a byte, for a tail that is cut by two pieces. */
  #window: Buffer = Buffer.alloc(0);
  #seen = 0;
  #known = 0;
  #matches = 0;

  /** @param tail how the known part ends */
  constructor(tail: Buffer) {
    this.#tail = tail;
  }

  push(bytes: Uint8Array): void {
    const missing = this.#tail.length - this.#head.length;
    if (missing > 0) this.#head = Buffer.concat([this.#head, bytes.subarray(0, missing)]);
    if (this.#tail.length > 0 && this.#matches < 2) this.#search(bytes);
    this.#seen += bytes.length;
  }

  result(): Found {
    if (this.#matches > 0) {
      // The first of several: what comes twice is better than what does not come.
      const isDoubtful = this.#matches > 1 || this.#tail.length < SURE_BYTES;
      return { known: this.#known, isFound: true, isDoubtful };
    }
    const known = this.#beginning();
    return {
      known,
      isFound: known > 0,
      isDoubtful: known > 0 && !isTelling(this.#head.subarray(0, known), this.#tail),
    };
  }

  #search(bytes: Uint8Array): void {
    const data = Buffer.concat([this.#window, bytes]);
    const start = this.#seen - this.#window.length;
    for (let at = data.indexOf(this.#tail); at >= 0 && this.#matches < 2; at = data.indexOf(this.#tail, at + 1)) {
      if (this.#matches === 0) this.#known = start + at + this.#tail.length;
      this.#matches += 1;
    }
    this.#window = Buffer.from(data.subarray(Math.max(0, data.length - this.#tail.length + 1)));
  }

  /** The reading may begin within the tail, and then does so with a line. */
  #beginning(): number {
    for (let length = this.#head.length; length > 0; length -= 1) {
      const from = this.#tail.length - length;
      const isLine = from === 0 || this.#tail[from - 1] === NEWLINE;
      if (isLine && this.#tail.subarray(from).equals(this.#head.subarray(0, length))) return length;
    }
    return 0;
  }
}

/** Whether the end of a tail is long and occurs there once: several lines, as one may well have been printed again. */
function isTelling(end: Buffer, tail: Buffer): boolean {
  const isSeveral = end.indexOf(NEWLINE) < end.length - 1;
  return end.length >= SURE_BYTES && isSeveral && tail.indexOf(end) === tail.length - end.length;
}

/**
 * Finds where `first`, the beginning of one reading of a stream, lies in `kept`, the end of another.
 * @param longLine bytes that are enough of a line without an end
 * @returns null when the first line of `first` is not whole in `kept`
 */
export function findJoint(kept: Buffer, first: Buffer, longLine: number): { at: number; isDoubtful: boolean } | null {
  // The last of several: what comes twice is better than what does not come.
  const at = kept.lastIndexOf(first);
  if (at >= 0) return { at, isDoubtful: kept.indexOf(first) !== at };
  const end = first.indexOf(NEWLINE) + 1;
  const lineBytes = end > 0 ? Math.min(end, longLine) : longLine;
  const longest = longestEnd(kept, first, Math.min(kept.length, first.length - 1));
  if (longest < lineBytes) return null;
  return { at: kept.length - longest, isDoubtful: longestEnd(kept, first, longest - 1) >= SURE_BYTES };
}

/** How long an end of `kept` is the beginning of `first`, at most. */
function longestEnd(kept: Buffer, first: Buffer, most: number): number {
  for (let bytes = most; bytes > 0; bytes -= 1) {
    if (kept.subarray(kept.length - bytes).equals(first.subarray(0, bytes))) return bytes;
  }
  return 0;
}
