import type { ExecutionId } from '../../schema/ids.ts';
import type { ExecutionView } from '../store/reads/executions.ts';
import type { LogOwner } from '../store/reads/log-owner.ts';
import type { Part } from './part.ts';
import type { Room } from './stored-total.ts';
import type { Asked, ReadAs } from './viewer-query.ts';

/** Logs of executions, wherever they are. */
export interface LogsPort {
  findOwner(executionId: string): Promise<LogOwner | null>;
  /** Whether the token was made for the execution. */
  checkToken(executionId: string, token: string): Promise<boolean>;
  /** Hands the upgrade of an agent to where the log's readers and its agent meet. */
  connect(executionId: ExecutionId): Promise<Response>;
  /** Hands a reader there: answers with a WebSocket, or with the log as text. A text that cannot be had is a 503 that says why. */
  read(asked: Asked, as: ReadAs): Promise<Response>;
  /** Whose log is meant where none is named: the newest execution that has one or will have one; null when none has. */
  choose(newestFirst: readonly ExecutionView[]): Promise<ExecutionId | null>;
  /** Upgrades, tells an error and closes, as after a whole log. */
  refuse(text: string): Response;
  /** Counts a part of this many bytes as stored; else which bound of the execution's log it would break. */
  reserve(executionId: ExecutionId, bytes: number): Promise<Room>;
  putPart(executionId: ExecutionId, part: Part, chunks: ArrayBuffer): Promise<void>;
}
