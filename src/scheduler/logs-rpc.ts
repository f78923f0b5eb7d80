import type { ExecutionId, NodeId } from '../../schema/ids.ts';

/** What the readers of logs ask of the Scheduler. */
export interface LogsRpc {
  /** Asks the node to dial in for the execution's log. False when it is not connected. */
  openLog(executionId: ExecutionId, nodeId: NodeId): Promise<boolean>;
  /** Whether the token was made for the execution; says nothing about its age. */
  checkToken(executionId: ExecutionId, token: string): Promise<boolean>;
}
