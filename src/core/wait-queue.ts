import type { EpochMs, JobId, NodeId } from '../../schema/ids.ts';
import type { Needs } from '../../schema/records.ts';
import { amountsOf, type Amounts } from '../../schema/amounts.ts';
import { Heap } from './heap.ts';

/** One job that waits for a node, as it stands in line. */
export interface Waiting {
  readonly jobId: JobId;
  readonly priority: number;
  readonly since: EpochMs;
}

/** A placement class: jobs that need the same of a node. What holds for one of them holds for all. */
export interface PlacementClass {
  readonly key: string;
  readonly needs: Needs;
  /** Of one execution. */
  readonly need: Amounts;
  /** Nodes that have declined its jobs. */
  readonly barred: ReadonlySet<NodeId>;
  readonly line: Line;
  /** For which rooms no node could take its jobs, however empty; see `World.roomsVersion`. */
  hopelessAt: number;
  /** The change of nodes as of which its jobs are told why they wait. */
  reasonsOf: number;
  /** How many of its jobs are still to be told that. */
  untold: number;
  /** The place in line, from 0, of the one that is told next: a full turn goes on there in the next. */
  nextTold: number;
}

/** Higher priority first, then who waited longer, then the id: a total order, so that the queue is deterministic. */
export function isBefore(a: Waiting, b: Waiting): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.since !== b.since) return a.since < b.since;
  return a.jobId < b.jobId;
}

/** One place in a line; it is left in the heap and skipped once its job has gone. */
interface Place extends Waiting {
  readonly class: PlacementClass;
  gone: boolean;
}

/** So many who have left are not worth looking through the line. */
const MANY_GONE = 100;

/** Waiting jobs in their order. Only the queue adds and removes. */
export class Line {
  readonly #heap = new Heap<Place>(isBefore);
  size = 0;

  push(place: Place): void {
    this.#heap.push(place);
    this.size += 1;
  }

  /** Places that are held, with those of who left and are not dropped yet. */
  get places(): number {
    return this.#heap.size;
  }

  leave(place: Place): void {
    place.gone = true;
    this.size -= 1;
    if (this.#heap.size > 2 * this.size + MANY_GONE) this.#heap.keep(({ gone }) => !gone);
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
 * Everything that waits for a node, by placement class: when a node joins or gets room, one look for each class tells
 * whether anything in it can start, however many jobs wait.
 */
export class WaitQueue {
  readonly #classes = new Map<string, PlacementClass>();
  /** Those with nodes barred. */
  readonly #barring = new Set<PlacementClass>();
  readonly #places = new Map<JobId, Place>();
  /** Goes up when reasons why jobs wait may have changed. */
  reasonsVersion = 0;

  get size(): number {
    return this.#places.size;
  }

  get classCount(): number {
    return this.#classes.size;
  }

  has(jobId: JobId): boolean {
    return this.#places.has(jobId);
  }

  /**
   * @param barred  nodes that must not be used for this job: jobs with others barred are not of its class
   * @returns true when it is the first of its class
   */
  add(waiting: Waiting, needs: Needs, barred: Iterable<NodeId>): boolean {
    const nodes = new Set(barred);
    const key = queueKey(needs, nodes);
    let its = this.#classes.get(key);
    if (its === undefined) {
      const need = amountsOf(needs.resources);
      const line = new Line();
      const told = { reasonsOf: this.reasonsVersion, untold: 0, nextTold: 0 };
      its = { key, needs, need, barred: nodes, line, hopelessAt: -1, ...told };
      this.#classes.set(key, its);
      if (its.barred.size > 0) this.#barring.add(its);
    }
    const place: Place = { ...waiting, class: its, gone: false };
    this.#places.set(waiting.jobId, place);
    its.line.push(place);
    return its.line.head()?.jobId === waiting.jobId;
  }

  /** @returns who is first of its class now, when it was the first and others remain */
  remove(jobId: JobId): Waiting | undefined {
    const place = this.#places.get(jobId);
    if (place === undefined) return undefined;
    const its = place.class;
    const wasFirst = its.line.head()?.jobId === jobId;
    this.#places.delete(jobId);
    its.line.leave(place);
    if (its.line.size === 0) {
      this.#classes.delete(its.key);
      this.#barring.delete(its);
    }
    return wasFirst ? its.line.head() : undefined;
  }

  /** True when the job waits, and belongs where it stands in line. */
  isInPlace(jobId: JobId, needs: Needs, barred: Iterable<NodeId>): boolean {
    return this.#places.get(jobId)?.class.key === queueKey(needs, barred);
  }

  /** True when jobs that need the same already wait: no node can take them now. */
  holds(needs: Needs, barred: Iterable<NodeId>): boolean {
    return this.#classes.has(queueKey(needs, barred));
  }

  /** Those for whom the node was barred when they took their place. */
  barredFrom(nodeId: NodeId): readonly JobId[] {
    const jobs: JobId[] = [];
    for (const { barred, line } of this.#barring) {
      if (barred.has(nodeId)) for (const { jobId } of line.members()) jobs.push(jobId);
    }
    return jobs;
  }

  classes(): Iterable<PlacementClass> {
    return this.#classes.values();
  }
}

/** What placement looks at on a node: timeouts and names make no difference. */
export function classKey({ engine, publisher, sources, constraints, asks, resources }: Needs): string {
  return JSON.stringify([engine, publisher, sources, constraints, resources, asks]);
}

function queueKey(needs: Needs, barred: Iterable<NodeId>): string {
  const nodes = [...barred];
  return nodes.length === 0 ? classKey(needs) : classKey(needs) + JSON.stringify(nodes.sort());
}
