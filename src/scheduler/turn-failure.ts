import { ShoalError } from '../../schema/errors.ts';
import { isCommand, type AgentFrame, type CoreEvent } from '../core/decide.ts';
import { failureOf, storeError, type ClearFailure } from '../store/failure.ts';
import { StoreSilent } from './commit.ts';

/** How a turn fails, and what those hear who waited for it. */

/** The command may have been carried out or not: the same command may be sent again. */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome';
  /** As the platform marks its own errors. */
  readonly retryable = true;
}

/** Another Scheduler owns the cell now; this one must not write any more. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
}

/** The database does not take the turn's rows. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** The database takes nothing of anybody at present, and says so. */
export class Unwritable extends Error {
  override readonly name = 'Unwritable';
  readonly failure: ClearFailure;

  constructor(failure: ClearFailure, reason: string) {
    super(reason);
    this.failure = failure;
  }
}

/** What the store threw instead of an answer, as the turn loop tells it apart. */
export function unanswered(error: unknown): Error {
  const failure = failureOf(error);
  if (failure !== 'silent') return new Unwritable(failure, describe(error));
  return new StoreSilent(`the database does not answer: ${describe(error)}`);
}

/** About the database or this Scheduler, and not about any one event of the turn: they are not tried one by one. */
export function isOfWholeTurn(error: unknown): boolean {
  return error instanceof StoreSilent || error instanceof Fenced || error instanceof Unwritable;
}

/** What whoever brought the event hears. */
export function failureFor(event: CoreEvent, error: unknown): unknown {
  if (!isCommand(event)) return error;
  const isUnknown = error instanceof StoreSilent || error instanceof Fenced;
  // One that was sent before may have been carried out then, whatever became of this turn.
  if (isUnknown || event.command.retry) return new UnknownOutcome(describe(error));
  if (error instanceof Unwritable) return storeError(error.failure, error);
  if (error instanceof Refused) {
    return new ShoalError('InternalError', 'the database does not take what this request would write', {
      component: 'Scheduler',
      hint: 'Nothing was changed. What the database said is in the log of the Scheduler.',
      cause: error,
    });
  }
  return new ShoalError('InternalError', `the command could not be carried out: ${describe(error)}`, {
    component: 'Scheduler',
  });
}

/** What stands in for a report of an end that could not be taken; null when it stands in already. */
export function unreadableReport(frame: AgentFrame, reason: string): AgentFrame | null {
  // What runs has not ended: its report comes again, or that of its end does.
  if (frame.type !== 'report' || frame.state === 'Running' || frame.state === 'Publishing') return null;
  const message = `its report could not be taken: ${reason}`.slice(0, 1_000);
  if (frame.state === 'Failed' && frame.failure.topic === QUARANTINE) return null;
  const failure = { class: 'environment' as const, message, hint: '', topic: QUARANTINE };
  return { type: 'report', executionId: frame.executionId, seq: frame.seq, state: 'Failed', failure, output: null };
}

const QUARANTINE = 'Quarantine';

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
