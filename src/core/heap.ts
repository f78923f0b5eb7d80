/** A binary heap over a total order. Push and pop O(log n). */
export class Heap<T> {
  #items: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  get size(): number {
    return this.#items.length;
  }

  /** Drops all others. O(n log n). */
  keep(isWanted: (item: T) => boolean): void {
    // What is in order is a heap.
    this.#items = this.#items
      .filter(isWanted)
      .sort((a, b) => Number(this.#isBefore(b, a)) - Number(this.#isBefore(a, b)));
  }

  /** All of them, in no order. */
  items(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    const items = this.#items;
    let i = items.length;
    items.push(item);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = items[up];
      if (parent === undefined || !this.#isBefore(item, parent)) break;
      items[i] = parent;
      i = up;
    }
    items[i] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let i = 0;
    for (;;) {
      const child = this.#earlierChild(i);
      const candidate = items[child];
      if (candidate === undefined || !this.#isBefore(candidate, last)) break;
      items[i] = candidate;
      i = child;
    }
    items[i] = last;
    return first;
  }

  #earlierChild(i: number): number {
    const left = this.#items[2 * i + 1];
    const right = this.#items[2 * i + 2];
    return left !== undefined && right !== undefined && this.#isBefore(right, left) ? 2 * i + 2 : 2 * i + 1;
  }
}
