import type { JobId } from '../../schema/ids.ts';
import { MAX_TURN_WORK } from '../../schema/limits.ts';

/**
 * What one turn does, counted in looks at one node for one job, so that nobody is held up for long: what a turn does not
 * come to follows in the next.
 */
export class Work {
  /** Looks that were taken. */
  done = 0;
  /** Of them those for each job, as of its last start. */
  readonly #ofJob = new Map<JobId, number>();

  spend(looks: number): void {
    this.done += looks;
  }

  /** Looks that may still be taken. */
  get left(): number {
    return Math.max(0, MAX_TURN_WORK - this.done);
  }

  /** Whether one job may go on, asked before each of its starts: a single one has at most half of a turn. */
  shareOf(jobId: JobId): () => boolean {
    const before = (this.#ofJob.get(jobId) ?? 0) - this.done;
    return () => {
      const mine = before + this.done;
      this.#ofJob.set(jobId, mine);
      return this.left > 0 && mine < MAX_TURN_WORK / 2;
    };
  }
}
