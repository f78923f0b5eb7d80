/** Pauses between tries: the first one, and the longest that they grow to. */
export interface Pauses {
  readonly firstMs: number;
  readonly mostMs: number;
  /** By how much each is longer than the one before; 2 when left out. */
  readonly factor?: number;
}

/**
 * How long to wait before the next try, in ms. Who wants the tries of many to spread takes a random part of it.
 * @param failed  tries that failed in a row before the last one, from 0
 */
export function backoffMs({ firstMs, mostMs, factor = 2 }: Pauses, failed: number): number {
  return Math.min(mostMs, firstMs * factor ** failed);
}
