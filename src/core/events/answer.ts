import type { ExecutionId } from '../../../schema/ids.ts';
import { sendStop } from '../dispatch.ts';
import { STOP_RESEND_MS } from '../../../schema/limits.ts';
import type { ExecutionRecord } from '../../../schema/records.ts';
import { isLive, step } from '../execution.ts';
import type { Turn } from '../turn.ts';
import type { Session } from '../world.ts';

/** The agent took an execution. */
export function takeAck(turn: Turn, session: Session, executionId: ExecutionId): void {
  const execution = own(turn, session, executionId);
  if (execution === null) return;
  const computeState = step(execution.computeState, 'ack');
  if (computeState === null) return;
  turn.world.timers.clear('ack', execution.id);
  const after = turn.updateExecution(execution.id, { computeState });
  if (!isLive(after)) sendStop(turn, after, STOP_RESEND_MS);
}

/** The agent declined an execution: its partition goes elsewhere, and this node is not asked again for this version. */
export function takeReject(turn: Turn, session: Session, executionId: ExecutionId, reason: string): void {
  const execution = own(turn, session, executionId);
  if (execution === null) return;
  const computeState = step(execution.computeState, 'reject');
  if (computeState === null) return;
  turn.world.timers.clear('ack', execution.id);
  const after = turn.updateExecution(execution.id, {
    computeState,
    computeMessage: reason,
    desiredState: 'Stopped',
    desiredMessage: 'bid rejected',
  });
  turn.event(execution.jobId, { topic: 'Exec Scanning', message: reason, execution: after });
}

function own(turn: Turn, session: Session, executionId: ExecutionId): ExecutionRecord | null {
  const execution = turn.world.executions.get(executionId);
  if (execution === undefined) {
    // It ended and was forgotten here; the agent must not go on with it.
    turn.send(session, { type: 'stop', executionId, reason: 'not known to the orchestrator' });
    return null;
  }
  return execution.nodeId === session.nodeId ? execution : null;
}
