import type { DryRunAnswer, LiveNode, SubmitJob } from '../core/commands.ts';
import type { AnswerTo, CommandEvent, CommandType } from '../core/decide.ts';

export { nodeActions } from '../core/commands.ts';
export { anyOf } from '../core/decide.ts';
export type * from '../core/commands.ts';
export type { AnswerTo, CommandEvent, Commands, CommandType } from '../core/decide.ts';

/** How the Worker talks to the Scheduler. */
export interface SchedulerRpc {
  /**
   * Has a command carried out. A thrown error means an unknown outcome: the same command may be sent again, with `retry`.
   */
  command<T extends CommandType>(event: CommandEvent<T>): Promise<AnswerTo<T>>;
  /** Where the job would run if it were submitted; stores nothing. */
  dryRun(command: SubmitJob): Promise<DryRunAnswer>;
  liveNodes(): Promise<readonly LiveNode[]>;
  /** Looks whether anything is due. */
  poke(): Promise<void>;
}
