import { MAX_ATTEMPTS } from '../../../schema/limits.ts';
import type { Book, Slot } from '../book.ts';
import { failJob } from '../job-state.ts';
import { executionsFailed, noMatchingNodes } from '../placement/reasons.ts';
import { whyUnplaceable, type Unplaceable } from '../placement/unplaceable.ts';
import type { JobRecord } from '../../../schema/records.ts';
import type { Turn } from '../turn.ts';
import { fanOut, whyFailed, whyUnmatched } from './fan-out.ts';
import { stateByLiveness, type Kind } from './kind.ts';

/**
 * Once on every node that matches. A node that joins while the job still runs gets its turn too. The job fails when some
 * node did not complete it, once nothing of it is left to do.
 */
export const ops: Kind = {
  arrange: (turn, job) => {
    fanOut(turn, job, (node, book) => !isSettled(book, node.id));
    if (!isOver(turn, job)) return;
    const slots = [...turn.world.book(job).slots()];
    if (slots.length === 0) {
      failJob(turn, job, {
        topic: 'Scheduling',
        message: noMatchingNodes(whyUnmatched(turn, job), turn.world.nodes.size),
        details: hintOf(whyUnplaceable(turn, job)),
      });
    } else if (!slots.every((slot) => turn.world.book(job).hasCompleted(slot))) {
      failJob(turn, job, {
        topic: 'Scheduling',
        message: executionsFailed(whyFailed(turn, job)),
        details: { Hint: SEE_EXECUTIONS },
      });
    }
  },
  // Not every slot is completed: then `arrange` has failed the job.
  state: (turn, job) => (isOver(turn, job) ? 'Completed' : stateByLiveness(job.state, turn.world.book(job))),
  reason: () => 'every matching node is busy, or its next attempt follows shortly',
  queueTimeoutMs: () => null,
};

const SEE_EXECUTIONS = "See the executions' own events; submit the job again to run it again on every matching node.";

function hintOf(why: Unplaceable | null): { Hint?: string } {
  return why === null ? {} : { Hint: why.hint };
}

/** Nothing is live, and no matching node is left that wants one. */
function isOver(turn: Turn, job: JobRecord): boolean {
  const waiting = turn.world.fanOutWaiting.get(job.id);
  return turn.world.book(job).live === 0 && (waiting === undefined || waiting.busy.size + waiting.later === 0);
}

/** Nothing more is tried on this node. */
function isSettled(book: Book, slot: Slot): boolean {
  const { permanent, failures } = book.attempts(slot);
  return book.hasCompleted(slot) || permanent !== null || failures >= MAX_ATTEMPTS;
}
