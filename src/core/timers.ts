import type { EpochMs } from '../../schema/ids.ts';
import { Heap } from './heap.ts';

/**
 * What a deadline is about; `id` is the execution, job or node it belongs to. A deadline that no longer means anything
 * when it fires is ignored by its handler, so none has to be cleared in time.
 */
export const timerKinds = [
  'ack',
  'backstop',
  'stop',
  'fenced',
  'retry',
  'queue',
  'total',
  'reserve',
  'settle',
  'lease',
  'lost',
] as const;
export type TimerKind = (typeof timerKinds)[number];

export interface Timer {
  readonly at: EpochMs;
  readonly kind: TimerKind;
  readonly id: string;
}

/** So few are not worth looking through for those that were cleared. */
const MANY = 1_000;

/**
 * Deadlines by kind and id, one each, with the earliest at hand. Setting one again moves it. O(log n). Leases are kept
 * apart: an alarm that is only about a lease can be answered without loading anything.
 */
export class Timers {
  /** By kind, then id: a queue of a hundred thousand jobs makes no keys of its own. */
  readonly #at = new Map<TimerKind, Map<string, EpochMs>>(timerKinds.map((kind) => [kind, new Map()]));
  readonly #leases = new Heap<Timer>((a, b) => a.at < b.at);
  readonly #others = new Heap<Timer>((a, b) => a.at < b.at);

  set(kind: TimerKind, id: string, at: EpochMs): void {
    if (this.get(kind, id) === at) return;
    this.#at.get(kind)?.set(id, at);
    const heap = this.#heapOf(kind);
    heap.push({ at, kind, id });
    // Deadlines a day ahead that were cleared must not pile up until then.
    if (heap.size > MANY && heap.size > 2 * this.#sizeOf(heap)) heap.keep((timer) => this.#isSet(timer));
  }

  /** What is held, with what was moved or cleared and is not dropped yet. */
  get entries(): number {
    return this.#leases.size + this.#others.size;
  }

  #sizeOf(heap: Heap<Timer>): number {
    let size = 0;
    for (const [kind, ids] of this.#at) if (this.#heapOf(kind) === heap) size += ids.size;
    return size;
  }

  #isSet({ at, kind, id }: Timer): boolean {
    return this.get(kind, id) === at;
  }

  clear(kind: TimerKind, id: string): void {
    this.#at.get(kind)?.delete(id);
  }

  get(kind: TimerKind, id: string): EpochMs | null {
    return this.#at.get(kind)?.get(id) ?? null;
  }

  /** The earliest deadline, or null. */
  next(): EpochMs | null {
    return this.#head()?.at ?? null;
  }

  /** The earliest deadline that is not a lease, or null. */
  nextBesidesLeases(): EpochMs | null {
    return this.#headOf(this.#others)?.at ?? null;
  }

  /** Takes out the earliest deadline that is due, or null. */
  takeDue(now: EpochMs): Timer | null {
    const head = this.#head();
    if (head === undefined || head.at > now) return null;
    this.#heapOf(head.kind).pop();
    this.clear(head.kind, head.id);
    return head;
  }

  #heapOf(kind: TimerKind): Heap<Timer> {
    return kind === 'lease' ? this.#leases : this.#others;
  }

  #head(): Timer | undefined {
    const lease = this.#headOf(this.#leases);
    const other = this.#headOf(this.#others);
    if (lease === undefined || other === undefined) return lease ?? other;
    return lease.at < other.at ? lease : other;
  }

  /** Drops entries that were moved or cleared until the head is a real one. */
  #headOf(heap: Heap<Timer>): Timer | undefined {
    for (;;) {
      const head = heap.peek();
      if (head === undefined || this.#isSet(head)) return head;
      heap.pop();
    }
  }
}
