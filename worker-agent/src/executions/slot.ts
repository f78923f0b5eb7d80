import type { Run, RunSpec } from '@shoal/schema/protocol/to-agent';
import type { ContainerNetwork, Engine, Examined } from '../engines/engine.ts';
import type { StopRequest } from '../journal/records.ts';
import type { Adopted } from './steps/step.ts';

/** One execution that was taken. */
export interface Hand {
  readonly run: RunSpec;
  /** Null while this agent has none of its type. */
  readonly engine: Engine | null;
  /** As its engine read it; null for what a former agent took, until it is launched. */
  readonly task: Examined | null;
  readonly network: ContainerNetwork;
  readonly adopted: Adopted;
  /** Monotonic ms at which this process had it. */
  readonly since: number;
}

interface Stoppable {
  readonly hand: Hand;
  /** Why it is to end; null while it is not. */
  readonly request: StopRequest | null;
  /** Aborted with the request once that is in the journal. */
  readonly stop: AbortController;
}

/** What this agent does about one execution at present; what is over is in the journal alone. */
export type Slot =
  /** Its `taken` is being written: nobody has heard of it. A stop that comes meanwhile cannot be written before it. */
  | { readonly state: 'taking'; readonly hand: Hand; readonly request: StopRequest | null }
  /** It waits for its engine. */
  | (Stoppable & { readonly state: 'waiting' })
  /** It goes through its steps. */
  | (Stoppable & {
      readonly state: 'launched';
      /** Its task runs, or has run. */
      readonly isRunning: boolean;
    })
  /** Its end is being written, and nobody hears of it before. */
  | { readonly state: 'ending'; readonly hand: Hand; readonly isRunning: boolean }
  /** Its decline is being written. */
  | { readonly state: 'declining' }
  /** Its decline could not be written: nobody has heard of it, and it is tried again when asked again. */
  | { readonly state: 'undeclared'; readonly reason: string }
  /** The end of what never ran here is being written. */
  | { readonly state: 'closing' };

export type SlotState = Slot['state'] | 'absent';

/** What the Scheduler may say of one execution. */
type SlotOrder = 'run' | 'stop' | 'keep';

export type Reaction =
  | 'nothing'
  /** Do what the journal says, or take what is new. */
  | 'look'
  | 'acknowledge'
  /** Remember it until it can be written. */
  | 'note'
  /** Write it down, then end the task. */
  | 'stop'
  /** Write down that it is over, though nothing ran. */
  | 'close'
  | 'decline';

/** What each order does in each state. */
export const reactions: { readonly [state in SlotState]: { readonly [order in SlotOrder]: Reaction } } = {
  absent: { run: 'look', stop: 'look', keep: 'look' },
  taking: { run: 'nothing', stop: 'note', keep: 'nothing' },
  waiting: { run: 'acknowledge', stop: 'stop', keep: 'nothing' },
  launched: { run: 'acknowledge', stop: 'stop', keep: 'nothing' },
  ending: { run: 'acknowledge', stop: 'nothing', keep: 'nothing' },
  declining: { run: 'nothing', stop: 'close', keep: 'nothing' },
  undeclared: { run: 'decline', stop: 'close', keep: 'nothing' },
  closing: { run: 'nothing', stop: 'nothing', keep: 'nothing' },
};

/** The execution that a slot is about; null for one that was never taken. */
export function handOf(slot: Slot): Hand | null {
  return 'hand' in slot ? slot.hand : null;
}

/** What `hello` says of a slot; null while nobody has heard of it. */
export function reportedState(slot: Slot): 'BidAccepted' | 'Running' | null {
  switch (slot.state) {
    case 'waiting':
      return slot.hand.adopted.started ? 'Running' : 'BidAccepted';
    case 'launched':
    case 'ending':
      return slot.isRunning ? 'Running' : 'BidAccepted';
    case 'taking':
    case 'declining':
    case 'undeclared':
    case 'closing':
      return null;
  }
}

/** Without the header of the session that it came by. */
export function runOf({ type: _type, epoch: _epoch, session: _session, ...run }: Run): RunSpec {
  return run;
}
