import { isTerminalComputeState, type ComputeState } from '../../schema/states.ts';
import type { ExecutionRecord } from '../../schema/records.ts';

/** What can happen to an execution, as the agent or the Scheduler says it. */
export const executionEvents = ['ack', 'reject', 'start', 'publish', 'complete', 'fail', 'cancel'] as const;
export type ExecutionEvent = (typeof executionEvents)[number];

const ends = { complete: 'Completed', fail: 'Failed', cancel: 'Cancelled' } as const;

/**
 * State by state, what each event leads to; what is not listed is ignored. Frames may be lost, doubled or reordered, so
 * every forward jump is allowed (a `start` whose `ack` was lost) and no backward one is.
 */
export const transitions = {
  Undefined: {},
  New: { ack: 'BidAccepted', reject: 'AskForBidRejected', start: 'Running', publish: 'Publishing', ...ends },
  AskForBid: {},
  AskForBidAccepted: {},
  AskForBidRejected: {},
  BidAccepted: { start: 'Running', publish: 'Publishing', ...ends },
  Running: { publish: 'Publishing', ...ends },
  Publishing: { ...ends },
  BidRejected: {},
  Completed: {},
  Failed: {},
  Cancelled: {},
} as const satisfies Record<ComputeState, Partial<Record<ExecutionEvent, ComputeState>>>;

/** The next state, or null when the event changes nothing: late and doubled frames are normal. */
export function step(from: ComputeState, event: ExecutionEvent): ComputeState | null {
  const row: Partial<Record<ExecutionEvent, ComputeState>> = transitions[from];
  return row[event] ?? null;
}

/** Not ended: it is charged to its node and the Scheduler must know it. */
export function isOpen(execution: ExecutionRecord): boolean {
  return !isTerminalComputeState(execution.computeState);
}

/** Open and wanted. At most one per partition of a job version. */
export function isLive(execution: ExecutionRecord): boolean {
  return isOpen(execution) && execution.desiredState !== 'Stopped';
}

/** Live, and its task runs. */
export function isRunning(execution: ExecutionRecord): boolean {
  return isLive(execution) && (execution.computeState === 'Running' || execution.computeState === 'Publishing');
}

/** Live, and its node has said that it took it. */
export function isStarted(execution: ExecutionRecord): boolean {
  return isLive(execution) && execution.computeState !== 'New';
}
