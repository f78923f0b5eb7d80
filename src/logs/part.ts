/** A stored part of a log: whole chunks, from one offset to the next part's. */
export interface Part {
  readonly from: number;
  readonly next: number;
  /** The log ends here. */
  readonly end: boolean;
}
