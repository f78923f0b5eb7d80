import type { ExecutionId } from '../../schema/ids.ts';
import type { Room } from './stored-total.ts';

/** What the Worker asks of a LogStream beside handing it sockets. */
export interface LogStreamRpc {
  /** Counts a part of this many bytes as stored; else which bound of the log it would break. */
  reserve(executionId: ExecutionId, bytes: number): Promise<Room>;
  /**
   * The reader of that id, as the query of its request named it, has left. Between two objects the runtime notices only
   * when there is more to send.
   */
  leave(reader: string): Promise<void>;
}
