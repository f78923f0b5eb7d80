/** How often each thing was met, over one seed or many. */
export class Totals {
  readonly counts = new Map<string, number>();

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  add(other: Iterable<readonly [string, number]>): void {
    for (const [what, by] of other) this.count(what, by);
  }
}
