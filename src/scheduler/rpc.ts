import type {
  Answer,
  ChangeNode,
  ChangeNodeAnswer,
  DryRunAnswer,
  LiveNode,
  RerunJob,
  StopAnswer,
  StopJob,
  SubmitAnswer,
  SubmitJob,
} from '../core/commands.ts';

export { nodeActions } from '../core/commands.ts';
export type {
  Answer,
  ChangeNode,
  ChangeNodeAnswer,
  DryRunAnswer,
  LiveNode,
  NodeAction,
  RerunJob,
  Specified,
  StopAnswer,
  StopJob,
  SubmitAnswer,
  SubmitJob,
} from '../core/commands.ts';

/**
 * How the Worker talks to the Scheduler. A thrown error means an unknown outcome: the same command may be sent again,
 * with `retry`.
 */
export interface SchedulerRpc {
  submitJob(command: SubmitJob): Promise<Answer<SubmitAnswer>>;
  stopJob(command: StopJob): Promise<Answer<StopAnswer>>;
  rerunJob(command: RerunJob): Promise<Answer<SubmitAnswer>>;
  changeNode(command: ChangeNode): Promise<Answer<ChangeNodeAnswer>>;
  /** Where the job would run if it were submitted; stores nothing. */
  dryRun(command: SubmitJob): Promise<DryRunAnswer>;
  liveNodes(): Promise<readonly LiveNode[]>;
  /** Looks whether anything is due. */
  poke(): Promise<void>;
}
