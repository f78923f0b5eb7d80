/** What happened, line by line: a running hash of it always, the lines themselves when they are wanted. */
export class Trace {
  readonly lines: string[] = [];
  readonly #keep: boolean;
  readonly #now: () => number;
  #hash = 0x811c9dc5;
  count = 0;

  constructor(keep: boolean, now: () => number) {
    this.#keep = keep;
    this.#now = now;
  }

  line(text: string): void {
    const line = `${this.#now()} ${text}`;
    for (let i = 0; i < line.length; i++) this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x01000193);
    this.count += 1;
    if (this.#keep) this.lines.push(line);
  }

  /** FNV-1a of all lines. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }
}
