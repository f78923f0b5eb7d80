import type { ExecutionRecord, JobRecord } from '../../../schema/records.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import { isOpen } from './rows.ts';

/** How far an execution may have gone after each state, in any number of steps; terminal states have no way on. */
const waysOn: Readonly<Record<string, readonly string[]>> = {
  New: ['New', 'BidAccepted', 'AskForBidRejected', 'Running', 'Publishing', 'Completed', 'Failed', 'Cancelled'],
  BidAccepted: ['BidAccepted', 'Running', 'Publishing', 'Completed', 'Failed', 'Cancelled'],
  Running: ['Running', 'Publishing', 'Completed', 'Failed', 'Cancelled'],
  Publishing: ['Publishing', 'Completed', 'Failed', 'Cancelled'],
};

/** What is wrong with a row of an execution that was written over an earlier one, or null. */
export function checkExecutionStep(before: ExecutionRecord, after: ExecutionRecord): string | null {
  const [from, to] = [before.computeState, after.computeState];
  if (isOpen(before)) {
    if (waysOn[from]?.includes(to) !== true) return `[2] execution went from ${from} to ${to}`;
  } else if (from !== to) return `[2] ${from} was terminal and became ${to}`;
  if (after.revision <= before.revision) return '[2] an older row was written over a newer one';
  if (after.lastSeq < before.lastSeq) return '[2] a report was taken twice';
  if (after.modifiedAt <= before.modifiedAt) return '[2] row time went back';
  if (before.desiredState === 'Stopped' && after.desiredState !== 'Stopped') {
    return '[3] a stopped execution is wanted again';
  }
  const isSamePlace = before.nodeId === after.nodeId && before.partition === after.partition;
  return isSamePlace && before.jobVersion === after.jobVersion ? null : '[3] an execution changed its place';
}

/** The same for a job. */
export function checkJobStep(before: JobRecord, after: JobRecord): string | null {
  if (after.version < before.version) return `[2] version ${before.version} became ${after.version}`;
  if (after.version === before.version && isTerminalJobState(before.state) && after.state !== before.state) {
    return `[2] it left ${before.state} for ${after.state} without a new version`;
  }
  return after.eventSeq < before.eventSeq ? '[5] its events went back' : null;
}
