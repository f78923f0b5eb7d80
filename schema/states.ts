/**
 * State names are Bacalhau's. Each list is the one source for zod enums, database columns and transition tables.
 * @see Bacalhau pkg/models: job, execution and node states
 */
export const jobTypes = ['batch', 'service', 'ops', 'daemon'] as const;
export type JobType = (typeof jobTypes)[number];

/** Jobs of these types run once on every matching node: a count means nothing to them. */
export function runsOnEveryNode(type: string): boolean {
  return type === 'ops' || type === 'daemon';
}

/** Jobs of these types are kept up until they are stopped: that an execution ended does not say that they are done. */
export function isKeptUp(type: string): boolean {
  return type === 'service' || type === 'daemon';
}

export const jobStates = ['Undefined', 'Pending', 'Queued', 'Running', 'Completed', 'Failed', 'Stopped'] as const;
export type JobState = (typeof jobStates)[number];

/** In wire order: the index is the integer that Bacalhau's clients decode. */
export const computeStates = [
  'Undefined',
  'New',
  'AskForBid',
  'AskForBidAccepted',
  'AskForBidRejected',
  'BidAccepted',
  'Running',
  'Publishing',
  'BidRejected',
  'Completed',
  'Failed',
  'Cancelled',
] as const;
export type ComputeState = (typeof computeStates)[number];

/** In wire order, as above. */
export const desiredStates = ['Pending', 'Running', 'Stopped'] as const;
export type DesiredState = (typeof desiredStates)[number];

export const memberships = ['PENDING', 'APPROVED', 'REJECTED'] as const;
export type Membership = (typeof memberships)[number];

export const connections = ['CONNECTED', 'DISCONNECTED'] as const;
export type Connection = (typeof connections)[number];

export const eventTypes = ['JobLevel', 'ExecutionLevel'] as const;
export type EventType = (typeof eventTypes)[number];

const terminalJobStates: ReadonlySet<JobState> = new Set(['Completed', 'Failed', 'Stopped']);
const terminalComputeStates: ReadonlySet<ComputeState> = new Set([
  'AskForBidRejected',
  'BidRejected',
  'Completed',
  'Failed',
  'Cancelled',
]);

export function isTerminalJobState(state: JobState): boolean {
  return terminalJobStates.has(state);
}

export function isTerminalComputeState(state: ComputeState): boolean {
  return terminalComputeStates.has(state);
}
