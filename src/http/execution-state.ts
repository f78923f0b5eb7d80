import { isTerminalComputeState, type ComputeState } from '../../schema/states.ts';
import type { ExecutionView } from '../store/reads/executions.ts';

/**
 * What callers are told of an execution's state. One that was given up is Failed with the reason, though its row waits for
 * what its node may still say: nobody should take it for a task that runs.
 */
export function shownState(execution: ExecutionView): { readonly state: ComputeState; readonly message: string } {
  const { computeState: state, computeMessage: message, fenced, desiredMessage } = execution;
  if (!fenced || isTerminalComputeState(state)) return { state, message };
  return { state: 'Failed', message: desiredMessage };
}
