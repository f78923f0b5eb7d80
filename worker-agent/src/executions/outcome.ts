import type { ExecutionId } from '@shoal/schema/ids';
import { MAX_MESSAGE_BYTES } from '@shoal/schema/limits';
import { makeFailure, type Failure } from '@shoal/schema/protocol/common';
import type { Phases } from '@shoal/schema/phases';
import type { Report } from '@shoal/schema/protocol/from-agent';
import type { RunOutput } from '@shoal/schema/records';
import { cutText } from '@shoal/schema/text';
import type { StopRequest } from '../journal/records.ts';

/** How one execution ended. */
export type Outcome =
  | { readonly type: 'completed'; readonly output: RunOutput }
  | { readonly type: 'failed'; readonly failure: Failure; readonly output: RunOutput | null }
  | { readonly type: 'cancelled'; readonly message: string; readonly output: RunOutput | null };

/** The outcome of a task that was ended before its own end. */
export function outcomeOfStop(request: StopRequest, output: RunOutput | null): Outcome {
  switch (request.kind) {
    case 'stop':
      return { type: 'cancelled', message: cutText(request.message, MAX_MESSAGE_BYTES), output };
    case 'shutdown':
      return { type: 'failed', failure: makeFailure('infrastructure', 'Running Execution', request.message), output };
    case 'timeout': {
      const hint = 'Raise Timeouts.ExecutionTimeout, or give the task less to do.';
      return {
        type: 'failed',
        failure: makeFailure('environment', 'Running Execution', request.message, hint),
        output,
      };
    }
  }
}

export function reportOf(executionId: ExecutionId, seq: number, outcome: Outcome, phases: Phases): Report {
  const base = { type: 'report', executionId, seq, phases } as const;
  switch (outcome.type) {
    case 'completed':
      return { ...base, state: 'Completed', output: outcome.output };
    case 'failed':
      return { ...base, state: 'Failed', failure: outcome.failure, output: outcome.output };
    case 'cancelled':
      return { ...base, state: 'Cancelled', message: outcome.message, output: outcome.output };
  }
}
