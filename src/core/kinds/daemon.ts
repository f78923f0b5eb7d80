import { KEPT_UP_MEMORY_MS } from '../../../schema/limits.ts';
import type { JobRecord, NodeRecord } from '../../../schema/records.ts';
import type { Book } from '../book.ts';
import { stopExecution } from '../dispatch.ts';
import { isLive } from '../execution.ts';
import { meets } from '../placement/constraints.ts';
import { lastFailures, noMatchingNodes } from '../placement/reasons.ts';
import type { Turn } from '../turn.ts';
import { fanOut, whyFailed, whyUnmatched } from './fan-out.ts';
import { stateByLiveness, type Kind } from './kind.ts';

/** Always on every node that matches, also on those that join later. */
export const daemon: Kind = {
  arrange: (turn, job) => {
    turn.world.dropEnded(job, (turn.now - KEPT_UP_MEMORY_MS) * 1000);
    stopWhereUnwanted(turn, job);
    fanOut(turn, job, (node, book) => !isBarred(node, book));
  },
  state: (turn, job) => stateByLiveness(job.state, turn.world.book(job)),
  reason: (turn, job) => {
    const failed = whyFailed(turn, job);
    // Where it was tried is where it matches.
    return failed.length > 0 ? lastFailures(failed) : noMatchingNodes(whyUnmatched(turn, job), turn.world.nodes.size);
  },
  queueTimeoutMs: () => null,
};

/** A permanent error is not met again and again: the node is tried anew once it has changed. */
function isBarred(node: NodeRecord, book: Book): boolean {
  const { permanent } = book.attempts(node.id);
  return permanent !== null && permanent.modifiedAt > node.modifiedAt;
}

function stopWhereUnwanted(turn: Turn, job: JobRecord): void {
  for (const execution of turn.world.executionsOf(job.id)) {
    const node = turn.world.nodes.get(execution.nodeId);
    if (!isLive(execution) || execution.jobVersion !== job.version || node === undefined) continue;
    if (meets(node.info.labels, job.needs.constraints)) continue;
    stopExecution(turn, execution, 'Execution stopped because the node no longer matches');
  }
}
