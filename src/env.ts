import type { LogStreamRpc } from './logs/log-stream-rpc.ts';
import type { LogsRpc } from './scheduler/logs-rpc.ts';
import type { SchedulerRpc } from './scheduler/rpc.ts';

/** What the Worker and the Scheduler are given: bindings of `wrangler.toml`, variables and secrets. */
export interface Env {
  DB: D1Database;
  SCHEDULER: DurableObjectNamespace<Rpc.DurableObjectBranded & SchedulerRpc & LogsRpc>;
  /** One a log that somebody reads. */
  LOGS: DurableObjectNamespace<Rpc.DurableObjectBranded & LogStreamRpc>;
  BLOBS: R2Bucket;
  /** Embedded only: the port at which the Worker connects to itself. See `src/logs/reader-socket.ts`. */
  LOG_SOCKETS?: Fetcher;
  /** `open` only when embedded: no credentials, loopback hosts alone. `schema/settings.ts` says what each setting may be. */
  SHOAL_MODE?: string;
  /** `required` closes an embedded installation: callers then need credentials, from whatever host they call. */
  SHOAL_AUTH?: string;
  /** Requests a second that one client may make; 0 for no limit. Without it: none when open, 1,000 when closed. */
  SHOAL_RATE_LIMIT?: string;
  /** Secret of the first credential, which may do everything. Lost: set another one, it counts at once. */
  SHOAL_ADMIN_TOKEN?: string;
  /** Secret that agents show when they connect. */
  SHOAL_NODE_TOKEN?: string;
  /** `manual`: nodes that join wait for approval. Absent: they are approved at once. */
  SHOAL_NODE_APPROVAL?: string;
  /** Seconds that a batch or service job may wait for a node when it names no QueueTimeout; default 24 h, 0 fails it at once. */
  DEFAULT_QUEUE_TIMEOUT?: string;
  /** Days that ended jobs are kept; 0 or absent keeps them for ever. */
  RETENTION_DAYS?: string;
  /** Days that a node which left, or was deleted, is remembered; default 7, 0 remembers it for ever. */
  NODE_RETENTION_DAYS?: string;
  /** Bytes the database may grow to; 0 or absent means no bound. */
  D1_MAX_BYTES?: string;
  /** Open mode: further browser origins that may call, separated by commas. */
  SHOAL_ALLOWED_ORIGINS?: string;
}
