import type { EpochMs, JobId, NodeId } from '../../schema/ids.ts';
import type { Needs } from '../../schema/records.ts';
import { Heap } from './heap.ts';

/** One job that waits for a node, as it stands in line. */
export interface Waiting {
  readonly jobId: JobId;
  readonly priority: number;
  readonly since: EpochMs;
}

/** Jobs that need the same of a node: what holds for one of them holds for all. */
export interface Shape {
  readonly key: string;
  readonly needs: Needs;
  readonly line: Line;
}

/** Higher priority first, then who waited longer, then the id: a total order, so that the queue is deterministic. */
export function isBefore(a: Waiting, b: Waiting): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.since !== b.since) return a.since < b.since;
  return a.jobId < b.jobId;
}

/** One place in a line; it is left in the heap and skipped once its job has gone. */
interface Place extends Waiting {
  readonly shape: Shape;
  gone: boolean;
}

/** Waiting jobs in their order. Only the queue adds and removes. */
export class Line {
  readonly #heap = new Heap<Place>(isBefore);
  size = 0;

  push(place: Place): void {
    this.#heap.push(place);
    this.size += 1;
  }

  leave(place: Place): void {
    place.gone = true;
    this.size -= 1;
  }

  head(): Waiting | undefined {
    for (;;) {
      const head = this.#heap.peek();
      if (head === undefined || !head.gone) return head;
      this.#heap.pop();
    }
  }

  /** As they stand now, in no order. */
  members(): readonly Waiting[] {
    return this.#heap.items().filter((place) => !place.gone);
  }
}

/**
 * Everything that waits for a node, grouped by what it needs: when a node joins or gets room, one look at each group
 * tells whether anything in it can start, however many jobs wait.
 */
export class WaitQueue {
  readonly #shapes = new Map<string, Shape>();
  readonly #places = new Map<JobId, Place>();

  get size(): number {
    return this.#places.size;
  }

  has(jobId: JobId): boolean {
    return this.#places.has(jobId);
  }

  /** @param barred  nodes that must not be used for this job: jobs with others barred are not of its shape */
  add(waiting: Waiting, needs: Needs, barred: Iterable<NodeId>): void {
    this.remove(waiting.jobId);
    const key = shapeKey(needs, barred);
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      shape = { key, needs, line: new Line() };
      this.#shapes.set(key, shape);
    }
    const place: Place = { ...waiting, shape, gone: false };
    this.#places.set(waiting.jobId, place);
    shape.line.push(place);
  }

  remove(jobId: JobId): void {
    const place = this.#places.get(jobId);
    if (place === undefined) return;
    this.#places.delete(jobId);
    place.shape.line.leave(place);
    if (place.shape.line.size === 0) this.#shapes.delete(place.shape.key);
  }

  /** True when jobs that need the same already wait: no node can take them now. */
  isBlocked(needs: Needs, barred: Iterable<NodeId>): boolean {
    return this.#shapes.has(shapeKey(needs, barred));
  }

  shapes(): Iterable<Shape> {
    return this.#shapes.values();
  }
}

/** Only what placement looks at: timeouts and names make no difference. */
function shapeKey(needs: Needs, barred: Iterable<NodeId>): string {
  const { engine, publisher, sources, constraints, resources } = needs;
  return JSON.stringify([engine, publisher, sources, constraints, resources, [...barred].sort()]);
}
