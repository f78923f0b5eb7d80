import type { LogStreamRpc } from './logs/log-stream-rpc.ts';
import type { LogsRpc } from './scheduler/logs-rpc.ts';
import type { SchedulerRpc } from './scheduler/rpc.ts';

/**
 * What the Worker and the Scheduler are given: bindings of `wrangler.toml` and secrets. Beside them the variables of
 * `schema/settings.ts`, which `readSettings` reads.
 */
export interface Env {
  DB: D1Database;
  SCHEDULER: DurableObjectNamespace<Rpc.DurableObjectBranded & SchedulerRpc & LogsRpc>;
  /** One a log that somebody reads. */
  LOGS: DurableObjectNamespace<Rpc.DurableObjectBranded & LogStreamRpc>;
  BLOBS: R2Bucket;
  /** Embedded only: the port at which the Worker connects to itself. See `src/logs/reader-socket.ts`. */
  LOG_SOCKETS?: Fetcher;
  /** Secret of the first credential, which may do everything. Lost: set another one, it counts at once. */
  SHOAL_ADMIN_TOKEN?: string;
  /** Secret that agents show when they connect. */
  SHOAL_NODE_TOKEN?: string;
}
