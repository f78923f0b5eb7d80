import type { JobId } from '../../schema/ids.ts';
import { MAX_TURN_WORK, START_WORK } from '../../schema/limits.ts';

/**
 * What one turn does, counted in looks at one node for one job, so that nobody is held up for long: what a turn does not
 * come to follows in the next.
 */
export class Work {
  /** Looks that were taken. */
  done = 0;
  #starts = 0;
  /** Of them those for each job, as of its last start. */
  readonly #ofJob = new Map<JobId, number>();

  spend(looks: number): void {
    this.done += looks;
  }

  /** An execution begins. */
  start(): void {
    this.#starts += 1;
    this.spend(START_WORK);
  }

  /** Half of the turn is for those who wait, however much was heard before. */
  keepHalf(): void {
    this.done = Math.min(this.done, MAX_TURN_WORK / 2);
  }

  /** Looks that may still be taken. */
  get left(): number {
    return Math.max(0, MAX_TURN_WORK - this.done);
  }

  /**
   * Whether one job may go on, asked before each of its starts: a single one has at most half of a turn.
   * @param isInLine  then it may start one where nobody has in this turn: looks alone must not use up every turn
   */
  shareOf(jobId: JobId, isInLine = false): () => boolean {
    const before = (this.#ofJob.get(jobId) ?? 0) - this.done;
    return () => {
      const mine = before + this.done;
      this.#ofJob.set(jobId, mine);
      if (isInLine && this.#starts === 0) return true;
      return this.left > 0 && mine < MAX_TURN_WORK / 2;
    };
  }
}
